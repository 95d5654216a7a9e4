// The system's libpq: PostgreSQL's own client library.
#pragma once
#include <postgresql/libpq-fe.h>
