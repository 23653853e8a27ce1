package watcher

// fsTypeOfMagic returns the name of a file system whose files change without an event of this kernel, because another
// machine, the host of a virtual machine or a user-space server changes them. It returns "" for any other file system.
// magic is f_type of statfs(2). The numbers are from linux/magic.h, statfs(2) and the sources of the file systems.
func fsTypeOfMagic(magic uint32) string {
	switch magic {
	case 0x01021997:
		return "9p" // WSL's /mnt/c, gVisor, QEMU
	case 0x6969:
		return "nfs"
	case 0x517b, 0xff534d42, 0xfe534d42:
		return "smb"
	case 0x65735546:
		return "fuse" // virtiofs, Docker Desktop's, sshfs, vmhgfs-fuse
	case 0x786f4256:
		return "vboxsf"
	case 0xbacbacbc:
		return "vmhgfs"
	case 0x7c7c6673:
		return "prl_fs"
	case 0x53464846:
		return "wslfs" // WSL 1, drvfs too
	case 0x5346414f, 0x6b414653:
		return "afs"
	case 0x00c36400:
		return "ceph"
	case 0x73757245:
		return "coda"
	case 0x564c:
		return "ncp"
	case 0x0bd00bd0:
		return "lustre"
	case 0x47504653:
		return "gpfs"
	case 0x7461636f:
		return "ocfs2"
	case 0x01161970:
		return "gfs2"
	case 0x19830326:
		return "beegfs"
	}
	return ""
}

// fsTypeOfName is fsTypeOfMagic for f_fstypename, the name of the file system on macOS and the BSDs.
func fsTypeOfName(name string) string {
	switch name {
	case "nfs", "smbfs", "afpfs", "webdav", "ftp", "macfuse", "osxfuse", "fusefs", "p9fs", "virtiofs":
		return name
	}
	return ""
}
