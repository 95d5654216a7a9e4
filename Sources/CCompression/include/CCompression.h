// The system's zlib and zstd.
#pragma once
#include <zlib.h>
#include <zstd.h>

// deflateInit2 and inflateInit2 are macros, which Swift does not see.
int wb_gzip_deflate_init(z_stream *stream, int level);
int wb_gzip_inflate_init(z_stream *stream);
