// Calls of Linux that Glibc keeps from Swift.
#pragma once
#include <spawn.h>
#include <stdint.h>

// Each gives 0, or the error's number.

// Swaps two names, as one step: renameat2(2) with RENAME_EXCHANGE.
int wb_exchange_names(const char *one, const char *other);

// Gives what is there a new name, which must be free: renameat2(2) with RENAME_NOREPLACE.
int wb_rename_to_free(const char *from, const char *to);

// Waits until all of a descriptor's file system is on the disk: syncfs(2).
int wb_sync_file_system(int descriptor);

// Whether a pipe, of which there is nothing to read at the moment, has a writer: 1 or 0. Takes nothing out of it.
int wb_pipe_has_writer(int descriptor);

// Asks for part of a file to be written to the disk soon, without waiting: sync_file_range(2). No bytes: to its end.
int wb_start_writing(int descriptor, int64_t offset, int64_t bytes);

// Makes a child run in a folder, with its standard streams and no other descriptor of ours: the actions
// addchdir_np and addclosefrom_np of posix_spawn(3).
int wb_confine_child(posix_spawn_file_actions_t *actions, const char *folder);
