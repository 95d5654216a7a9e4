#include "CGSL.h"

// GSL aborts the process on an error unless told not to. Told before main runs, so that no call,
// from whatever thread, can come first. Sampling checks arguments and results itself.
__attribute__((constructor)) static void keep_the_process_alive(void) { gsl_set_error_handler_off(); }
