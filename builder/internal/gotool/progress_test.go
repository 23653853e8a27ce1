package gotool

import "testing"

func TestProgressRemovesPackageNames(t *testing.T) {
	var reports [][2]int
	p := &progress{report: func(begun, packages int) { reports = append(reports, [2]int{begun, packages}) }, total: 2}
	for _, part := range []string{"example.com/a", "pp/lib\nerrors\n# example.com/app\n./main.go:1:", "2: undefined: x\nexample.com/app\nno end"} {
		p.Write([]byte(part))
	}
	if want := "# example.com/app\n./main.go:1:2: undefined: x\nno end"; p.stderr() != want {
		t.Errorf("stderr is %q, want %q", p.stderr(), want)
	}
	if len(reports) != 3 || reports[1] != [2]int{2, 2} || reports[2] != [2]int{3, 3} {
		t.Errorf("reports %v", reports)
	}
}

func TestCountPlanned(t *testing.T) {
	commands := "mkdir -p $WORK/b006/\n\n#\n# internal/goarch\n#\n\necho '# import config'\n# no header\n#\n# internal/goarch\n#\n#\n# main\n#\n"
	if n := countPlanned(commands); n != 2 {
		t.Errorf("%d packages", n)
	}
}
