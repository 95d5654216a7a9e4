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
