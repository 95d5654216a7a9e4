#include "CCompression.h"

// 15 bits of window, +16: a gzip wrapper. zlib writes no time stamp and no name of its own accord,
// so that the same input gives the same bytes.
int wb_gzip_deflate_init(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

int wb_gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
