package watcher

import "slices"

// eventlessMagics are file systems whose files change without an event of this kernel, because another machine, the host
// of a virtual machine or a user-space server changes them. The keys are f_type of statfs(2), from linux/magic.h,
// statfs(2) and the sources of the file systems.
var eventlessMagics = map[uint32]string{
	0x01021997: "9p", // WSL's /mnt/c, gVisor, QEMU
	0x6969:     "nfs",
	0x517b:     "smb",
	0xff534d42: "smb",
	0xfe534d42: "smb",
	0x65735546: "fuse", // virtiofs, Docker Desktop's, sshfs, vmhgfs-fuse
	0x786f4256: "vboxsf",
	0xbacbacbc: "vmhgfs",
	0x7c7c6673: "prl_fs",
	0x53464846: "wslfs", // WSL 1, drvfs too
	0x5346414f: "afs",
	0x6b414653: "afs",
	0x00c36400: "ceph",
	0x0bd00bd0: "lustre",
	0x47504653: "gpfs",
	0x19830326: "beegfs",
}

// eventlessNames are such file systems on macOS and the BSDs, where f_fstypename names them.
var eventlessNames = []string{"nfs", "smbfs", "afpfs", "webdav", "ftp", "macfuse", "osxfuse", "fusefs", "p9fs", "virtiofs"}

// fsTypeOfName returns name if it is one of eventlessNames, or else "".
func fsTypeOfName(name string) string {
	if slices.Contains(eventlessNames, name) {
		return name
	}
	return ""
}
