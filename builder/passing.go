package builder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// passingNames are names of files that editors, tools and desktops make for a moment or for
// as long as a file is open. All are matched as a whole, without the directory.
var passingNames = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`.*~`,                            // backups: Vim, Emacs, gedit, Kate, nano
	`\.(?:.*\.)?sw[a-p]x?`,           // Vim's and nano's swap files
	`4913|5036|5159|5282`,            // Vim's probe for what a directory allows, 123 more if that is there
	`#.*#|\.#.*`,                     // Emacs' automatic saves and locks
	`.*___jb_(?:tmp|old)___`,         // JetBrains
	`\..*\.kate-swp`,                 // Kate
	`\.goutputstream-.*`,             // gedit and what else saves by GLib
	`.*\.vsctmp`,                     // Visual Studio Code
	`\.subl[0-9a-f]+\.tmp`,           // Sublime Text
	`.*\.sb-[0-9a-f]{8}-\w{6}`,       // macOS
	`sed[A-Za-z0-9]{6}`,              // sed -i
	`.*\.go\.?[0-9]+`,                // gofmt -w, goimports -w
	`\.~lock\..*#|~\$.*`,             // LibreOffice, Microsoft Office
	`\.nfs[0-9a-f]+|\.fuse_hidden.*`, // files that were removed while they were open
	`\.DS_Store|\._.*|Thumbs\.db`,    // macOS, Windows
}, "|") + `)$`)

// randomName is how rsync and Qt (Kate, QSaveFile) call a file that they will rename: the
// name of the other one, maybe after a dot, and six random characters. Among the last five,
// a capital and another letter are asked for: an ending such as Backup or SHA256 has not both.
var randomName = regexp.MustCompile(`^\.?(.+)\.[A-Za-z0-9]([A-Za-z0-9]{5})$`)

// Passing reports whether a file is known by its name to be a temporary one of an editor or
// the like, which matters to nobody else.
func Passing(path string) bool {
	dir, name := filepath.Split(path)
	if passingNames.MatchString(name) {
		return true
	}
	final := randomName.FindStringSubmatch(name)
	if final == nil || !exists(dir+final[1]) {
		return false
	}
	random := final[2]
	return strings.ToLower(random) != random && strings.ToUpper(random) != random
}

// passes reports whether a file is left out although a pattern embeds it: one that a
// pattern names as it is counts.
func (p embedPattern) passes(dir, rel string) bool {
	return p.glob != rel && Passing(filepath.Join(dir, rel))
}

// passing returns the files that are there and that the go command would embed, but for which
// no build is made.
func (g *Graph) passing() (files []string) {
	for dir, p := range g.packages {
		for _, embed := range p.embeds {
			root := embed.root(dir)
			if root == "" {
				continue
			}
			_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if rel, ok := below(dir, path); err == nil && ok && !d.IsDir() && embed.takes(dir, rel) && embed.passes(dir, rel) {
					files = append(files, path)
				}
				return nil
			})
		}
	}
	return files
}

// blamed returns the passing files that a failed build names, wherever they may be: the
// go command writes them relative to a package's directory, or absolute.
func (b *Builder) blamed(err error) (files []string) {
	broken := new(BuildError)
	if !errors.As(err, &broken) {
		return nil
	}
	dirs := []string{b.command.dir}
	graph, _, _ := b.shortcut.state()
	if graph != nil {
		for dir := range graph.packages {
			dirs = append(dirs, dir)
		}
	}
	for _, d := range broken.Diagnostics {
		for word := range strings.FieldsFuncSeq(d.Message, func(r rune) bool { return strings.ContainsRune(" \t\n:\"'", r) }) {
			if !passingNames.MatchString(filepath.Base(word)) {
				continue
			}
			for _, dir := range dirs {
				files = append(files, absolute(dir, word))
			}
		}
	}
	return files
}

// moment is how long a passing file may take to go before its error is reported.
const moment = 300 * time.Millisecond

// outlasts waits until the files are gone, and reports whether they are.
func outlasts(ctx context.Context, files []string) bool {
	for end := time.Now().Add(moment); slices.ContainsFunc(files, exists); {
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
