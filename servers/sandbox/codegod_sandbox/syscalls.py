"""System call numbers, and which calls a sandboxed program has no business making.

From the kernel's own tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); numbers from
424 on are the same everywhere.
"""

from dataclasses import dataclass
from typing import Final

LAST_KNOWN: Final = 469
"""The newest call that was looked at when this list was made (Linux 6.17)."""

# fmt: off
_REFUSED: Final = (
    # debugging and other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "perf_event_open",
    # mounts, roots and namespaces
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree", "open_tree_attr",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at",
    "open_by_handle_at",
    # the kernel itself
    "bpf", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
    "reboot", "syslog", "acct", "swapon", "swapoff", "quotactl", "quotactl_fd", "sethostname",
    "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm",
    "modify_ldt", "vhangup", "personality",
    # kernel keys
    "add_key", "request_key", "keyctl",
    # large attack surface that ordinary programs do without
    "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "fanotify_init", "vmsplice",
    "memfd_secret", "mbind", "set_mempolicy", "migrate_pages", "move_pages",
    # long obsolete
    "uselib", "ustat", "sysfs", "_sysctl", "nfsservctl", "lookup_dcookie",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Syscalls:
    """The calls of one machine by name."""

    numbers: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    def get(self, name: str) -> int | None:
        """The number of `name`, or None where the machine never had that call."""
        return self.numbers.get(name)

    @property
    def refused(self) -> tuple[int, ...]:
        """The numbers of the calls that no sandboxed program may make."""
        return tuple(self.numbers[name] for name in _REFUSED if name in self.numbers)


# fmt: off
_EVERYWHERE: Final = {
    "clone3": 435, "fsconfig": 431, "fsmount": 432, "fsopen": 430, "fspick": 433, "io_uring_enter": 426,
    "io_uring_register": 427, "io_uring_setup": 425, "memfd_secret": 447, "mount_setattr": 442,
    "move_mount": 429, "open_tree": 428, "open_tree_attr": 467, "pidfd_getfd": 438, "pidfd_send_signal": 424,
    "quotactl_fd": 443,
}
X86_64: Final = Syscalls(
    {
        **_EVERYWHERE,
        "_sysctl": 156, "acct": 163, "add_key": 248, "adjtimex": 159, "bpf": 321, "chroot": 161,
        "clock_adjtime": 305, "clock_settime": 227, "clone": 56, "create_module": 174, "delete_module": 176,
        "fanotify_init": 300, "finit_module": 313, "init_module": 175, "ioctl": 16, "ioperm": 173,
        "iopl": 172, "kcmp": 312, "kexec_file_load": 320, "kexec_load": 246, "keyctl": 250, "kill": 62,
        "lookup_dcookie": 212, "mbind": 237, "memfd_create": 319, "migrate_pages": 256, "modify_ldt": 154,
        "mount": 165, "move_pages": 279, "mq_open": 240, "msgget": 68, "name_to_handle_at": 303,
        "nfsservctl": 180, "open_by_handle_at": 304, "perf_event_open": 298, "personality": 135,
        "pivot_root": 155, "process_vm_readv": 310, "process_vm_writev": 311, "ptrace": 101, "quotactl": 179,
        "reboot": 169, "request_key": 249, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "semget": 64,
        "set_mempolicy": 238, "setdomainname": 171, "sethostname": 170, "setns": 308, "settimeofday": 164,
        "shmget": 29, "socket": 41, "socketpair": 53, "swapoff": 168, "swapon": 167, "sysfs": 139,
        "syslog": 103, "tgkill": 234, "tkill": 200, "umount2": 166, "unshare": 272, "uselib": 134,
        "userfaultfd": 323, "ustat": 136, "vhangup": 153, "vmsplice": 278,
    }
)
AARCH64: Final = Syscalls(
    {
        **_EVERYWHERE,
        "acct": 89, "add_key": 217, "adjtimex": 171, "bpf": 280, "chroot": 51, "clock_adjtime": 266,
        "clock_settime": 112, "clone": 220, "delete_module": 106, "fanotify_init": 262, "finit_module": 273,
        "init_module": 105, "ioctl": 29, "kcmp": 272, "kexec_file_load": 294, "kexec_load": 104,
        "keyctl": 219, "kill": 129, "lookup_dcookie": 18, "mbind": 235, "memfd_create": 279,
        "migrate_pages": 238, "mount": 40, "move_pages": 239, "mq_open": 180, "msgget": 186,
        "name_to_handle_at": 264, "nfsservctl": 42, "open_by_handle_at": 265, "perf_event_open": 241,
        "personality": 92, "pivot_root": 41, "process_vm_readv": 270, "process_vm_writev": 271, "ptrace": 117,
        "quotactl": 60, "reboot": 142, "request_key": 218, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
        "semget": 190, "set_mempolicy": 237, "setdomainname": 162, "sethostname": 161, "setns": 268,
        "settimeofday": 170, "shmget": 194, "socket": 198, "socketpair": 199, "swapoff": 225, "swapon": 224,
        "syslog": 116, "tgkill": 131, "tkill": 130, "umount2": 39, "unshare": 97, "userfaultfd": 282,
        "vhangup": 58, "vmsplice": 75,
    }
)
# fmt: on
