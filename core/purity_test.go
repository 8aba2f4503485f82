package core_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is the import path of the packages under test; they may import each other.
const module = "paxoscommit/core"

// allowedImports returns the standard packages that can do no input or output, tell no time and
// draw no random number. fmt can print; purity.use bans the functions that do.
func allowedImports() []string {
	return []string{"cmp", "encoding/binary", "errors", "fmt", "math/bits", "slices", "strconv"}
}

// TestCoreIsPure is the core contract as a check: whatever happens to a machine is an input, so
// that a run can be replayed from its inputs alone.
func TestCoreIsPure(t *testing.T) {
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	checked := 0
	folders := coreFiles(t, fset)
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		files := folders[dir]
		found, err := findImpure(fset, imports, path.Join(module, dir), files)
		require.NoError(t, err)
		require.Empty(t, found, strings.Join(found, "\n"))
		checked += len(files)
	}
	require.NotZero(t, checked, "no file was checked")
}

// coreFiles parses what is not a test, by folder, whatever its build constraints say. Modules of
// their own are not part of the core.
func coreFiles(t *testing.T, fset *token.FileSet) map[string][]*ast.File {
	t.Helper()
	folders := map[string][]*ast.File{}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			nested, _ := filepath.Glob(filepath.Join(name, "go.mod"))
			if entry.Name() == "testdata" || len(nested) > 0 {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		dir := filepath.ToSlash(filepath.Dir(name))
		folders[dir] = append(folders[dir], file)
		return err
	}))
	return folders
}

// purity walks one type-checked package and notes each construct that makes a machine depend on
// something else than its inputs.
type purity struct {
	fset  *token.FileSet
	info  *types.Info
	found []string
}

// findImpure returns a line for each banned construct, as "file:line: rule: what".
func findImpure(
	fset *token.FileSet, imports types.Importer, pkg string, files []*ast.File,
) ([]string, error) {
	p := &purity{fset: fset, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
	}}
	conf := types.Config{Importer: imports}
	if _, err := conf.Check(pkg, fset, files, p.info); err != nil {
		return nil, fmt.Errorf("type-check %s: %w", pkg, err)
	}
	for _, file := range files {
		for _, decl := range file.Decls {
			p.declaration(decl)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			p.node(n)
			return true
		})
	}
	return p.found, nil
}

func (p *purity) report(at ast.Node, rule, what string) {
	pos := p.fset.Position(at.Pos())
	p.found = append(p.found, fmt.Sprintf("%s:%d: %s: %s", pos.Filename, pos.Line, rule, what))
}

// declaration checks what only stands at the top of a file: imports, variables and func init.
func (p *purity) declaration(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.Name == "init" {
			p.report(d, "init", "runs before any input")
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ImportSpec:
				p.imported(s)
			case *ast.ValueSpec:
				if d.Tok == token.VAR {
					p.variable(s)
				}
			}
		}
	}
}

func (p *purity) imported(s *ast.ImportSpec) {
	name, err := strconv.Unquote(s.Path.Value)
	own := name == module || strings.HasPrefix(name, module+"/")
	if err != nil || !own && !slices.Contains(allowedImports(), name) {
		p.report(s, "import", s.Path.Value)
	}
}

// variable allows error sentinels and the assertion that a type implements an interface.
func (p *purity) variable(s *ast.ValueSpec) {
	for i, name := range s.Names {
		call := (*ast.CallExpr)(nil)
		if i < len(s.Values) {
			call, _ = ast.Unparen(s.Values[i]).(*ast.CallExpr)
		}
		switch {
		case call == nil:
		case p.info.Types[call.Fun].IsType() && name.Name == "_":
			continue
		case p.isErrorsNew(call.Fun):
			continue
		}
		p.report(name, "package variable", name.Name)
	}
}

func (p *purity) isErrorsNew(fun ast.Expr) bool {
	sel, ok := ast.Unparen(fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := p.info.Uses[sel.Sel].(*types.Func)
	return ok && f.FullName() == "errors.New"
}

// node checks one statement or expression anywhere.
func (p *purity) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		p.report(n, "go statement", "the scheduler would decide")
	case *ast.SelectStmt:
		p.report(n, "channel", "select")
	case *ast.SendStmt:
		p.report(n, "channel", "send")
	case *ast.ChanType:
		p.report(n, "channel", "type")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			p.report(n, "channel", "receive")
		}
		if n.Op == token.AND {
			p.written(n.X)
		}
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			p.written(left)
		}
	case *ast.IncDecStmt:
		p.written(n.X)
	case *ast.RangeStmt:
		p.written(n.Key)
		p.written(n.Value)
		p.ranged(n)
	case *ast.Ident:
		p.use(n)
	}
}

// written reports a package's variable that is assigned, or whose address is taken to do so.
func (p *purity) written(left ast.Expr) {
	if left == nil {
		return
	}
	var name *ast.Ident
	switch x := ast.Unparen(left).(type) {
	case *ast.Ident:
		name = x
	case *ast.SelectorExpr:
		name = x.Sel
	default:
		return
	}
	v, ok := p.info.Uses[name].(*types.Var)
	if ok && !v.IsField() && v.Parent() == v.Pkg().Scope() {
		p.report(left, "assigned package variable", name.Name)
	}
}

// ranged reports a range whose order is not the same in each run.
func (p *purity) ranged(n *ast.RangeStmt) {
	for _, t := range typeTerms(p.info.TypeOf(n.X)) {
		switch t.(type) {
		case *types.Map:
			p.report(n, "map order", "range over a map")
		case *types.Chan:
			p.report(n, "channel", "range")
		}
	}
}

// typeTerms returns the underlying type, or those that a type parameter can stand for.
func typeTerms(t types.Type) []types.Type {
	param, ok := t.(*types.TypeParam)
	if !ok {
		return []types.Type{t.Underlying()}
	}
	var terms []types.Type
	constraint := param.Constraint().Underlying().(*types.Interface)
	for i := range constraint.NumEmbeddeds() {
		union, ok := constraint.EmbeddedType(i).(*types.Union)
		if !ok {
			terms = append(terms, constraint.EmbeddedType(i).Underlying())
			continue
		}
		for j := range union.Len() {
			terms = append(terms, union.Term(j).Type().Underlying())
		}
	}
	return terms
}

// use reports a name that reaches the outside: the print built-ins and fmt's standard streams.
func (p *purity) use(name *ast.Ident) {
	switch obj := p.info.Uses[name].(type) {
	case *types.Builtin:
		if obj.Name() == "print" || obj.Name() == "println" {
			p.report(name, "output", obj.Name())
		}
	case *types.Func:
		for _, stream := range []string{"fmt.Print", "fmt.Scan"} {
			if strings.HasPrefix(obj.FullName(), stream) {
				p.report(name, "output", obj.FullName())
			}
		}
	}
}

// TestPurityFindsEachBannedConstruct plants one of each, and only that one may be reported.
func TestPurityFindsEachBannedConstruct(t *testing.T) {
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	tests := []struct {
		name, source string
		want         string // the rules broken
	}{
		{"clean", `
			import ("errors"; "fmt"; "slices")
			type T struct{ n map[int]int }
			var ErrX = errors.New("x")
			var _ fmt.Stringer = (*T)(nil)
			const limit = 3
			func (t *T) String() string { t.n[1] = 2; return fmt.Sprint(len(t.n)) }
			func (t *T) init() { local := 1; local++; _ = slices.Max([]int{local}) }
			func f(xs []int, t *T) (e error) {
				for i := range xs { xs[i]++; t.n = nil }
				e = ErrX
				return e
			}`, ""},
		{"clock", `import "time"; func f() time.Duration { return 1 }`, "import"},
		{"random", `import "math/rand/v2"; func f() int { return rand.Int() }`, "import"},
		{"unsafe", `import "unsafe"; func f() uintptr { return unsafe.Sizeof(1) }`, "import"},
		{"map keys", `import "maps"; func f(m map[int]int) { maps.Keys(m) }`, "import"},
		{"go", `func f() { go f() }`, "go statement"},
		{"channel type", `type c chan int`, "channel"},
		{"channel made", `func f() { _ = make(chan int) }`, "channel"},
		{"send", `type c chan int; func f(x c) { x <- 1 }`, "channel, channel"},
		{"receive", `type c chan int; func f(x c) { <-x }`, "channel, channel"},
		{"range channel", `type c chan int; func f(x c) { for range x {} }`, "channel, channel"},
		{"select", `func f() { select {} }`, "channel"},
		{"range map", `func f(m map[int]int) { for range m {} }`, "map order"},
		{"range named map", `type m map[int]int; func f(x m) { for range x {} }`, "map order"},
		{"range generic map", `func f[M ~map[int]int](m M) { for range m {} }`, "map order"},
		{"counter", `var n int`, "package variable"},
		{"table", `var names = []string{"a"}`, "package variable"},
		{"made error", `import "fmt"; var e = fmt.Errorf("x")`, "package variable"},
		{"hidden call", `func f() int { return 1 }; var _ = f()`, "package variable"},
		{"own errors.New", `
			type e struct{}
			func (e) New(string) error { return nil }
			func f(errors e) { _ = errors.New("x") }
			var ErrX = e{}.New("x")`, "package variable"},
		{"assigned sentinel", `
			import "errors"
			var ErrX = errors.New("x")
			func f() { ErrX = nil }`, "assigned package variable"},
		{"sentinel as loop variable", `
			import "errors"
			var ErrX = errors.New("x")
			func f(xs []error) { for _, ErrX = range xs {} }`, "assigned package variable"},
		{"sentinel by address", `
			import "errors"
			var ErrX = errors.New("x")
			func f() *error { return &ErrX }`, "assigned package variable"},
		{"foreign variable", `
			import "strconv"
			func f() { strconv.ErrRange = nil }`, "assigned package variable"},
		{"init", `func init() {}`, "init"},
		{"print", `func f() { print(1) }`, "output"},
		{"println", `func f() { println(1) }`, "output"},
		{"fmt.Println", `import "fmt"; func f() { fmt.Println(1) }`, "output"},
		{"fmt.Scan", `import "fmt"; func f() { fmt.Scanln() }`, "output"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := "package p; " + test.source
			file, err := parser.ParseFile(fset, test.name, source, parser.SkipObjectResolution)
			require.NoError(t, err)
			found, err := findImpure(fset, imports, "p", []*ast.File{file})
			require.NoError(t, err)
			var got []string
			for _, line := range found {
				got = append(got, strings.SplitN(line, ": ", 3)[1])
			}
			require.Equal(t, test.want, strings.Join(got, ", "), found)
		})
	}
}
