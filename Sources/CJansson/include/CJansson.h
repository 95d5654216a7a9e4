// Jansson: strict JSON, with the line and column of what is wrong, and no key twice.
#pragma once
#include <jansson.h>
