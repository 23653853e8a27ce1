package settings

import "syscall"

// hasACL reports whether a file has an access control list, whose entries for
// other users and groups hide behind the permissions of its group; acl(5).
func hasACL(path string) bool {
	_, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil
}
