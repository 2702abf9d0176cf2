// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A summary is what people search for. It is written once as a text that never varies, says one thing, and some test
// makes the provider say it.

// untested are the summaries that no test provokes, each with the reason.
var untested = map[string]string{
	"Unreadable configuration of an action": "the framework has compared the configuration with the schema, so that " +
		"it takes a bug to see it",
}

// twofold are the summaries of errors and of warnings, each with the reason.
var twofold = map[string]string{
	"The source of the fork could not be verified":                 "accept_unproven of migration makes a warning of the error",
	"The store could not be verified to fit into the smaller plan": "accept_unproven of migration makes a warning of the error",
	"The provider failed unexpectedly": "after a complete create an error would taint the " +
		"object, so the same thing is a warning then",
}

// diagnosing are the calls that make diagnostics, with the place of the summary among their arguments.
var diagnosing = map[string]struct {
	at      int
	warning bool
}{
	"AddError": {0, false}, "AddAttributeError": {1, false}, "NewErrorDiagnostic": {0, false}, "NewAttributeErrorDiagnostic": {1, false},
	"AddWarning": {0, true}, "AddAttributeWarning": {1, true}, "NewWarningDiagnostic": {0, true},
	"NewAttributeWarningDiagnostic": {1, true},
}

// summary is one that a call gives.
type summary struct {
	text    string
	warning bool
	at      string
}

// summaryReader follows texts to where they are written: constants, functions that return one, parameters.
type summaryReader struct {
	files    []source
	returned map[string][]ast.Expr // by the function's name
	asked    map[string]bool       // functions and parameters that were followed already
	found    []summary
	variable []string // what is no static text
}

func readSummaries(files []source) summaryReader {
	r := summaryReader{files: files, returned: map[string][]ast.Expr{}, asked: map[string]bool{}}
	for _, f := range r.functions() {
		ast.Inspect(f.decl.Body, func(n ast.Node) bool {
			if result, ok := n.(*ast.ReturnStmt); ok && len(result.Results) == 1 {
				r.returned[f.decl.Name.Name] = append(r.returned[f.decl.Name.Name], result.Results[0])
			}
			_, inner := n.(*ast.FuncLit)
			return !inner
		})
	}
	for name, call := range diagnosing {
		r.follow(name, call.at, call.warning)
	}
	return r
}

type function struct {
	source
	decl *ast.FuncDecl
}

func (r *summaryReader) functions() (all []function) {
	for _, s := range r.files {
		for _, d := range s.tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				all = append(all, function{s, f})
			}
		}
	}
	return all
}

// follow reads one argument of every call of a function.
func (r *summaryReader) follow(callee string, argument int, warning bool) {
	if key := fmt.Sprint(callee, argument, warning); r.asked[key] {
		return
	} else {
		r.asked[key] = true
	}
	for _, f := range r.functions() {
		ast.Inspect(f.decl.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && calleeName(call) == callee && len(call.Args) > argument {
				r.take(f, call.Args[argument], warning)
			}
			return true
		})
	}
}

func calleeName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func (r *summaryReader) take(f function, e ast.Expr, warning bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && text != "" { // an empty one belongs to a failure of which only the detail is used
			r.found = append(r.found, summary{text, warning, f.at(e)})
		}
		return
	case *ast.Ident:
		if i := parameter(f.decl, e.Name); i >= 0 {
			r.follow(f.decl.Name.Name, i, warning)
			return
		}
		if value := constant(f.decl, e.Name); value != nil {
			r.take(f, value, warning)
			return
		}
	case *ast.CallExpr:
		if name := calleeName(e); name == "Summary" { // of a diagnostic that is made anew with more detail
			return
		} else if results := r.returned[name]; len(results) > 0 {
			for _, result := range results {
				r.take(f, result, warning)
			}
			return
		}
	}
	r.variable = append(r.variable, f.at(e))
}

func parameter(f *ast.FuncDecl, name string) int {
	i := 0
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}

// constant is the value of a constant within a function. A variable is none: it may hold anything by then.
func constant(f *ast.FuncDecl, name string) (value ast.Expr) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, s := range d.Specs {
				if spec, ok := s.(*ast.ValueSpec); ok && spec.Names[0].Name == name && len(spec.Values) == 1 {
					value = spec.Values[0]
				}
			}
		}
		return true
	})
	return value
}

// texts are the strings in which tests may name a summary.
func texts(files []source) (all []string) {
	for _, s := range files {
		if s.path == "provider/summaries_gate_test.go" {
			continue
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					all = append(all, text)
				}
			}
			return true
		})
	}
	return all
}

var summaryForm = regexp.MustCompile("^([A-Z]|outside_space )[A-Za-z0-9_ ',-]{8,79}[A-Za-z0-9]$")

// fillers are words that tell no two summaries apart.
var fillers = strings.NewReplacer(" the ", " ", " a ", " ", " an ", " ", " its ", " ", " that ", " ", " this ", " ")

func meaning(summary string) string {
	return strings.Join(strings.Fields(fillers.Replace(strings.ReplaceAll(" "+strings.ToLower(summary)+" ", " ", "  "))), " ")
}

// review says what is wrong with summaries, given what tests say.
func review(r summaryReader, tested []string) (wrong []string) {
	for _, at := range r.variable {
		wrong = append(wrong, at+": the summary is not a constant text")
	}
	seen, severity := map[string]summary{}, map[string]map[bool]bool{}
	for _, s := range r.found {
		if !summaryForm.MatchString(s.text) {
			wrong = append(wrong, fmt.Sprintf("%s: %q is not a short sentence without a full stop", s.at, s.text))
		}
		if other, taken := seen[meaning(s.text)]; taken && other.text != s.text {
			wrong = append(wrong, fmt.Sprintf("%s: %q says what %q says at %s", s.at, s.text, other.text, other.at))
		}
		seen[meaning(s.text)] = s
		if severity[s.text] == nil {
			severity[s.text] = map[bool]bool{}
		}
		severity[s.text][s.warning] = true
	}
	for text, severities := range severity {
		if both := len(severities) > 1; both != (twofold[text] != "") {
			wrong = append(wrong, fmt.Sprintf("%q is an error and a warning: %t", text, both))
		}
		if named := slices.ContainsFunc(tested, func(said string) bool {
			return strings.Contains(said,
				text)
		}); named == (untested[text] != "") {
			wrong = append(wrong, fmt.Sprintf("%q is named by a test: %t", text, named))
		}
	}
	for _, text := range slices.Sorted(maps.Keys(untested)) {
		if severity[text] == nil {
			wrong = append(wrong, fmt.Sprintf("%q is excused, and nobody says it", text))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestSummaries_areStaticUniqueAndTested(t *testing.T) {
	t.Parallel()
	r := readSummaries(sources(t, false, "provider"))
	if len(r.found) < 150 {
		t.Errorf("only %d summaries were found", len(r.found))
	}
	for _, wrong := range review(r, texts(sources(t, true, "provider", "faultmatrix"))) {
		t.Error(wrong)
	}
}

// Each rule, broken.
func TestSummaries_plantedFaults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`diags.AddError("Unable to think", "x")`: `"Unable to think" is named by a test: false`,
		`diags.AddError("Unable to dream", "x")`: "",
		`diags.AddError("Unable to dream "+name, "x")`: "provider/x.go:3: " +
			"the summary is not a constant text",
		`diags.AddError(fmt.Sprintf("Unable to dream %s", name), "x")`: "provider/x.go:3: " +
			"the summary is not a constant text",
		`summary := "Unable to dream"; diags.AddError(summary, "x")`: "provider/x.go:3: " +
			"the summary is not a constant text",
		`const summary = "Unable to dream"; diags.AddError(summary, "x")`:                        "",
		`diags.AddError("Unable to dream.", "x")`:                                                `is not a short sentence without a full stop`,
		`diags.AddError("Unable to dream", "x"); diags.AddWarning("Unable to dream", "y")`:       `"Unable to dream" is an error and a warning: true`,
		`diags.AddError("Unable to dream", "x"); diags.AddError("Unable to dream a dream", "y")`: "",
		`diags.AddError("Unable to dream", "x"); diags.AddError("Unable to Dream", "y")`:         `"Unable to Dream" says what "Unable to dream" says`,
		`c.explain("Unable to think", err)`:                                                      `"Unable to think" is named by a test: false`,
		`diags.AddError(choose(), "x")`:                                                          `"Unable to think" is named by a test: false`,
	} {
		text := "package x\nfunc f(name string) {\n" + body + "\n}\n" +
			"func (c *c) explain(summary string, err error) { diags.AddError(summary, err.Error()) }\n" +
			"func choose() string { if true { return \"Unable to dream\" }; return \"Unable to think\" }"
		wrong := slices.DeleteFunc(review(readSummaries([]source{parsed(t, "provider/x.go", text)}),
			[]string{"Unable to dream", "it says Unable to dream a dream", "Unable to Dream"}),
			func(s string) bool { return strings.HasSuffix(s, "is excused, and nobody says it") })
		if got := strings.Join(wrong, "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
