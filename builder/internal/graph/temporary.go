package graph

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// temporaryNames are names of files that editors, tools and desktops make for a moment, or for
// as long as a file is open. The pattern matches the whole name, without the directory.
var temporaryNames = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`.*~`,                            // backups: Vim, Emacs, gedit, Kate, nano
	`\.(?:.*\.)?sw[a-p]x?`,           // swap files of Vim and nano
	`4913|5036|5159|5282`,            // Vim's test of a directory: 4913, then 123 more if that exists
	`#.*#|\.#.*`,                     // automatic saves and locks of Emacs
	`.*___jb_(?:tmp|old)___`,         // JetBrains
	`\..*\.kate-swp`,                 // Kate
	`\.goutputstream-.*`,             // gedit and other programs that save by GLib
	`.*\.vsctmp`,                     // Visual Studio Code
	`\.subl[0-9a-f]+\.tmp`,           // Sublime Text
	`.*\.sb-[0-9a-f]{8}-\w{6}`,       // macOS
	`sed[A-Za-z0-9]{6}`,              // sed -i
	`.*\.go\.?[0-9]+`,                // gofmt -w, goimports -w
	`\.~lock\..*#|~\$.*`,             // LibreOffice, Microsoft Office
	`\.nfs[0-9a-f]+|\.fuse_hidden.*`, // files that were removed while they were open
	`\.DS_Store|\._.*|Thumbs\.db`,    // macOS, Windows
}, "|") + `)$`)

// randomName is the name of a file that rsync or Qt (Kate, QSaveFile) will rename: the final
// name, maybe after a dot, and six random characters.
var randomName = regexp.MustCompile(`^\.?(.+)\.[A-Za-z0-9]([A-Za-z0-9]{5})$`)

// IsTemporary reports whether a file is, by its name, a temporary file of an editor or another
// tool, which does not concern the build.
func IsTemporary(path string) bool {
	dir, name := filepath.Split(path)
	if temporaryNames.MatchString(name) {
		return true
	}
	final := randomName.FindStringSubmatch(name)
	if final == nil || !paths.Exists(dir+final[1]) {
		return false
	}
	// The last five characters must have a capital and another letter: an extension such as
	// Backup or SHA256 has not both.
	random := final[2]
	return strings.ToLower(random) != random && strings.ToUpper(random) != random
}
