package watcher

import "testing"

func TestEventlessMagics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what  string
		magic uint32
		want  string
	}{
		{"9p: WSL 2's drvfs", 0x01021997, "9p"},
		{"NFS", 0x6969, "nfs"},
		{"SMB", 0x517b, "smb"},
		{"CIFS", 0xff534d42, "smb"},
		{"SMB 2 and later", 0xfe534d42, "smb"},
		{"FUSE, virtiofs, Docker Desktop", 0x65735546, "fuse"},
		{"VirtualBox shared folders", 0x786f4256, "vboxsf"},
		{"VMware shared folders", 0xbacbacbc, "vmhgfs"},
		{"Parallels shared folders", 0x7c7c6673, "prl_fs"},
		{"WSL 1", 0x53464846, "wslfs"},
		{"AFS", 0x5346414f, "afs"},
		{"AFS of the kernel", 0x6b414653, "afs"},
		{"Ceph", 0x00c36400, "ceph"},
		{"ext4", 0xef53, ""},
		{"btrfs", 0x9123683e, ""},
		{"xfs", 0x58465342, ""},
		{"tmpfs, one digit from 9p", 0x01021994, ""},
		{"overlayfs, a container's own layer", 0x794c7630, ""},
		{"zfs", 0x2fc12fc1, ""},
		{"nothing", 0, ""},
	} {
		if got := eventlessMagics[test.magic]; got != test.want {
			t.Errorf("%s (%#x): %q, want %q", test.what, test.magic, got, test.want)
		}
	}
}

func TestFsTypeOfName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"nfs": "nfs", "smbfs": "smbfs", "macfuse": "macfuse", "apfs": "", "hfs": "", "zfs": "", "ufs": "", "": ""} {
		if got := fsTypeOfName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
