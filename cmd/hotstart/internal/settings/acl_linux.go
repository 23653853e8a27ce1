package settings

import "syscall"

// hasACL reports whether a file has an access control list. Its entries for other
// users and groups do not show in the file mode; acl(5).
func hasACL(path string) bool {
	_, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil
}
