package ld

import (
	"cmd/internal/objabi"
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"slices"
)

// initGraph is what decides in which order packages are initialized: their init
// tasks by name, with the names of those that they depend on.
type initGraph map[string]*initNode

type initNode struct {
	deps []string
	runs bool // it has functions to call
	sym  loader.Sym
}

// schedule returns the init tasks to run for main, in order: the lexically first
// one whose dependencies are scheduled comes next, as in inittaskSym.
func (g initGraph) schedule() (order []*initNode) {
	const root = "main..inittask"
	if g[root] == nil {
		return nil
	}
	missing, dependents := map[string]int{root: 0}, map[string][]string{}
	var ready []string
	for queue := []string{root}; len(queue) > 0; {
		name := queue[0]
		queue = queue[1:]
		missing[name] = len(g[name].deps)
		if len(g[name].deps) == 0 {
			ready = append(ready, name)
		}
		for _, dep := range g[name].deps {
			dependents[dep] = append(dependents[dep], name)
			if _, found := missing[dep]; !found {
				missing[dep] = 0
				queue = append(queue, dep)
			}
			if g[dep] == nil {
				loader.GiveUp("%s is missing", dep)
			}
		}
	}
	slices.Sort(ready)
	for n := 0; len(ready) > 0; n++ {
		name := ready[0]
		ready = ready[1:]
		if g[name].runs {
			order = append(order, g[name])
		}
		for _, d := range dependents[name] {
			if missing[d]--; missing[d] == 0 {
				i, _ := slices.BinarySearch(ready, d)
				ready = slices.Insert(ready, i, d)
			}
		}
		delete(missing, name)
	}
	if len(missing) > 0 {
		loader.GiveUp("the packages can't be initialized in order")
	}
	return order
}

// deltaInittasks is inittasks for a delta link.
func (ctxt *Link) deltaInittasks() {
	ldr, graph := ctxt.loader, initGraph{}
	for i := range onBase.Tasks {
		if t := &onBase.Tasks[i]; !t.Hot() {
			graph[onBase.TaskName(t)] = &initNode{onBase.TaskDeps(t), t.Runs(), ldr.TaskSym(t)}
		}
	}
	for pkg := range hotPackages {
		if name, task := hotTask(ldr, pkg); task != nil {
			graph[name] = task
		}
	}
	schedule := ldr.MakeSymbolBuilder("go:main.inittasks")
	schedule.SetType(sym.SNOPTRDATA)
	for _, task := range graph.schedule() {
		schedule.AddAddr(ctxt.Arch, task.sym)
	}
	ctxt.mainInittasks = schedule.Sym()
}

// hotTask returns the init task of a loaded package; nil if it has none.
func hotTask(ldr *loader.Loader, pkg string) (name string, task *initNode) {
	name = objabi.PathToPrefix(pkg) + "..inittask"
	s := ldr.Lookup(name, 0)
	if s == 0 || ldr.IsExternal(s) {
		return name, nil
	}
	task = &initNode{runs: ldr.SymSize(s) > 8, sym: s}
	for _, dep := range taskDeps(ldr, s) {
		task.deps = append(task.deps, ldr.SymName(dep))
	}
	return name, task
}

func taskDeps(ldr *loader.Loader, task loader.Sym) (deps []loader.Sym) {
	relocs := ldr.Relocs(task)
	for i := range relocs.Count() {
		if r := relocs.At(i); r.Type() == objabi.R_INITORDER {
			deps = append(deps, r.Sym())
		}
	}
	return deps
}

// noteInittasks keeps the graph of init tasks for the snapshot of a base. It
// gives up if the order of the graph is not that of the linker.
func (ctxt *Link) noteInittasks() {
	ldr, graph := ctxt.loader, initGraph{}
	for _, lib := range ctxt.Library {
		name, node := hotTask(ldr, lib.Pkg)
		if node == nil {
			continue
		}
		graph[name] = node
		forBase.Tasks = append(forBase.Tasks, loader.BaseTask{Sym: node.sym, Deps: taskDeps(ldr, node.sym), Hot: hotPackages[lib.Pkg]})
	}
	order := graph.schedule()
	var relocs loader.Relocs
	n := 0
	if ctxt.mainInittasks != 0 {
		relocs = ldr.Relocs(ctxt.mainInittasks)
		n = relocs.Count()
	}
	if len(order) != n {
		loader.GiveUp("the order of initialization is not understood")
	}
	for i, task := range order {
		if relocs.At(i).Sym() != task.sym {
			loader.GiveUp("the order of initialization is not understood: %s", ldr.SymName(task.sym))
		}
	}
}
