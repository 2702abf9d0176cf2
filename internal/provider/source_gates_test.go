// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What follows looks at the source, for rules that no single test can see. Each rule is also shown a text that breaks it.

// source is a file of Go, with its path from internal.
type source struct {
	path  string
	tree  *ast.File
	files *token.FileSet
}

// sources parses the files of packages below internal; test says whether those of tests or the others.
func sources(t *testing.T, test bool, packages ...string) []source {
	t.Helper()
	var all []source
	for _, name := range packages {
		paths, err := filepath.Glob(filepath.Join("..", name, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files of %s: %v", name, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") != test {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parsed(t, strings.TrimPrefix(filepath.ToSlash(path), "../"), string(content)))
		}
	}
	return all
}

func parsed(t *testing.T, path, content string) source {
	t.Helper()
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, path, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path, tree, files}
}

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.files.Position(n.Pos()).Line)
}

// uses are the selections from imported packages, such as "net/http.Get", whatever the import is called; "net/http." stands
// for an import whose names need no package.
func (s source) uses(see func(ast.Node, string)) {
	imported := map[string]string{}
	for _, spec := range s.tree.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = path
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok && imported[of.Name] != "" {
				see(n, imported[of.Name]+"."+selector.Sel.Name)
			}
		}
		return true
	})
	if path, dotted := imported["."]; dotted {
		see(s.tree, path+".")
	}
}

// What begins a context of its own cannot be interrupted with its caller.
func ownContexts(files []source) (found []string) {
	for _, s := range files {
		s.uses(func(n ast.Node, name string) {
			if name == "context.Background" || name == "context.TODO" || name == "context." {
				found = append(found, s.at(n)+": "+name)
			}
		})
	}
	return found
}

func TestSource_everyContextIsTheCallers(t *testing.T) {
	t.Parallel()
	for _, found := range ownContexts(sources(t, false, "provider", "replacement", "heroku", "probe", "keyvalue")) {
		t.Errorf("%s: pass the caller's context, or one WithoutCancel", found)
	}
	broken := parsed(t, "x.go", "package x\nimport c \"context\"\nfunc f() { g(c.Background(), c.TODO(), c.WithoutCancel(nil)) }")
	if found := ownContexts([]source{broken}); len(found) != 2 {
		t.Errorf("this rule sees nothing: %v", found)
	}
}

// network are the ways out of this process, and below it who may take them: the one client, and the probe of a store.
var network = map[string][]string{
	"net/http": {"Client", "DefaultClient", "DefaultTransport", "Get", "Head", "NewRequest",
		"NewRequestWithContext", "Post", "PostForm", "Transport"},
	"net":                          {"Dial", "DialTCP", "DialTimeout", "Dialer", "LookupHost", "Resolver"},
	"crypto/tls":                   {"Client", "Dial", "DialWithDialer", "Dialer"},
	"github.com/redis/go-redis/v9": {"NewClient", "NewClusterClient", "NewUniversalClient"},
	"os/exec":                      {"Command", "CommandContext"},
}

var mayUseIt = map[string]string{
	"net/http.Client":                        "heroku/client.go",
	"net/http.DefaultTransport":              "heroku/client.go",
	"net/http.Transport":                     "heroku/client.go",
	"net/http.NewRequestWithContext":         "heroku/attempt.go",
	"net.Dialer":                             "probe/probe.go",
	"crypto/tls.Client":                      "probe/probe.go",
	"github.com/redis/go-redis/v9.NewClient": "probe/probe.go",
}

func waysOut(files []source) (found []string) {
	for _, s := range files {
		s.uses(func(n ast.Node, name string) {
			dot := strings.LastIndex(name, ".")
			ways, what := network[name[:dot]], name[dot+1:]
			if mayUseIt[name] != s.path && (slices.Contains(ways, what) || ways != nil && what == "") {
				found = append(found, s.at(n)+": "+name)
			}
		})
	}
	return found
}

func TestSource_everyRequestTakesTheOneClient(t *testing.T) {
	t.Parallel()
	files := sources(t, false, "provider", "replacement", "heroku", "probe", "keyvalue")
	for _, found := range waysOut(files) {
		t.Errorf("%s: ask Heroku through Client.run, which paces, retries and keeps the token to itself", found)
	}
	sent := 0
	for _, s := range files {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(s.path, "heroku/") {
				if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Do" {
					sent++
				}
			}
			return true
		})
	}
	if sent != 1 {
		t.Errorf("requests are sent in %d places", sent)
	}
	for _, text := range []string{
		`import "net/http"; func f() { http.Get("") }`, `import h "net/http"; var c = h.Client{}`,
		`import . "net/http"`, `import "net"; var d net.Dialer`,
	} {
		if found := waysOut([]source{parsed(t, "provider/x.go", "package x;"+text)}); len(found) != 1 {
			t.Errorf("%s: this rule sees nothing: %v", text, found)
		}
	}
}

// shownSecrets are the files in which a secret becomes a value of Terraform's.
func shownSecrets(files []source) (found []string) {
	for _, s := range files {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			into, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"StringValue", "NewStringValue", "StringPointerValue", "SetAttribute"}, into.Sel.Name) {
				return true
			}
			for _, argument := range call.Args {
				ast.Inspect(argument, func(n ast.Node) bool {
					if part, ok := n.(*ast.SelectorExpr); ok &&
						slices.Contains([]string{"Reveal", "Password", "ResourceURL"}, part.Sel.Name) {
						found = append(found, s.path)
					}
					return true
				})
			}
			return true
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestSource_secretsBecomeValuesOfWhatIsNotStored(t *testing.T) {
	t.Parallel()
	want := []string{"provider/credentials_ephemeral.go", "provider/functions.go"}
	if found := shownSecrets(sources(t, false, "provider")); !slices.Equal(found, want) {
		t.Errorf("a password or a URL with one becomes a value in %v, want %v", found, want)
	}
}

// unguarded are the actions that would end the process by a panic: the framework invokes them in a goroutine of its own.
func unguarded(files []source) (found []string) {
	for _, s := range files {
		for _, d := range s.tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "Invoke" || f.Recv == nil || f.Body == nil || len(f.Body.List) == 0 {
				continue
			}
			first, ok := f.Body.List[0].(*ast.DeferStmt)
			if called, is := func() (*ast.Ident, bool) {
				if !ok {
					return nil, false
				}
				name, is := first.Call.Fun.(*ast.Ident)
				return name, is
			}(); !is || called.Name != "recoverPanic" {
				found = append(found, s.at(f))
			}
		}
	}
	return found
}

func TestSource_everyActionRecovers(t *testing.T) {
	t.Parallel()
	for _, at := range unguarded(sources(t, false, "provider")) {
		t.Errorf("%s: begin with defer recoverPanic", at)
	}
	broken := parsed(t, "x.go", "package x\nfunc (a *a) Invoke() { f() }\nfunc (b *b) Invoke() { defer g() }\nfunc (c "+
		"*c) Invoke() { defer recoverPanic() }")
	if found := unguarded([]source{broken}); len(found) != 2 {
		t.Errorf("this rule sees nothing: %v", found)
	}
}
