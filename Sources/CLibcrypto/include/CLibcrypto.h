// SHA-256 of OpenSSL's libcrypto, which libpq needs anyway, with the processor's SHA instructions.
//
// These are the functions for SHA-256 alone, which OpenSSL 3 would like to see replaced by its general interface (EVP).
// Their context is a plain struct that is copied and never allocated; no configuration file of the machine decides how
// they compute; and they have no state that `exit` takes away from threads that are still hashing.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
