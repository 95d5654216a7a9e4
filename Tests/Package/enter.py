"""Runs a command inside the root of another system, offline: `unshare --net --mount python3 enter.py ROOT COMMAND …`.

There is a loopback and nothing else of a network, /proc and /dev are there, and no variable of this machine is set.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def main():
    root, *command = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", f"{root}/proc"], check=True)
    subprocess.run(["mount", "--rbind", "/dev", f"{root}/dev"], check=True)
    os.chroot(root)
    os.chdir("/root")
    os.execvpe(command[0], command, {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "TERM": "dumb"})


if __name__ == "__main__":
    main()
