#define _GNU_SOURCE
#include "CFileSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int wb_exchange_names(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : errno;
}

int wb_rename_to_free(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int wb_sync_file_system(int descriptor) { return syncfs(descriptor) == 0 ? 0 : errno; }

int wb_start_writing(int descriptor, int64_t offset, int64_t bytes) {
  return sync_file_range(descriptor, offset, bytes, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : errno;
}

int wb_confine_child(posix_spawn_file_actions_t *actions, const char *folder) {
  int error = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  return error != 0 ? error : posix_spawn_file_actions_addchdir_np(actions, folder);
}

int wb_pipe_has_writer(int descriptor) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return 1;
  // A byte copied to another pipe: none without a writer, EAGAIN with one that is slow.
  ssize_t copied = tee(descriptor, ends[1], 1, SPLICE_F_NONBLOCK);
  close(ends[0]);
  close(ends[1]);
  return copied != 0;
}
