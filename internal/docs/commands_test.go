// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package docs

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// reviewed is what is done with a fenced block, by its language: what is wrong with it, if anything. A block of another
// language fails. In a shell block each command is looked at as well, and those with curl are carried out by
// TestREADME_everyCurlExampleWorks of the sandbox.
var reviewed = map[string]func(t *testing.T, block string) string{
	"terraform": nil, "hcl": nil, // TestConfigurations_fitTheSchema
	"shell": shellSyntax, "sh": shellSyntax,
	"json": func(_ *testing.T, block string) string {
		return wrongUnless(json.Valid([]byte(block)), "it cannot be parsed")
	},
	"go": func(_ *testing.T, block string) string {
		_, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+block+"}", 0)
		return wrongUnless(err == nil, "%v", err)
	},
	"yaml": partOf("examples/*/*.yml"),    // which make lint gives to actionlint
	"rego": partOf("examples/policies/*"), // which make policies gives to Open Policy Agent
	"text": nil,                           // what somebody prints
}

var (
	block = regexp.MustCompile("(?ms)^ *```([a-z]+)\n(.*?)^ *```$")
	// A command in prose, and one in a block that is indented.
	span     = regexp.MustCompile("`((?:" + programs + ") [^`\n]+)`")
	indented = regexp.MustCompile(`(?m)^ {4,}((?:` + programs + `) [^=\n]*)$`)
)

const programs = "make|terraform|tofu|kvs-sandbox|heroku|go"

func TestBlocks_areReviewed(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for _, page := range pages(t) {
		for _, match := range block.FindAllStringSubmatch(read(t, filepath.Join(root, page)), -1) {
			language, text := match[1], match[2]
			found[language]++
			review, known := reviewed[language]
			if !known {
				t.Errorf("%s has a block of %s, which nothing looks at", page, language)
			} else if review != nil {
				if wrong := review(t, text); wrong != "" {
					t.Errorf("%s: %s in\n%s", page, wrong, text)
				}
			}
		}
	}
	for language := range reviewed {
		if found[language] == 0 {
			t.Errorf("no block of %s was found", language)
		}
	}
}

func wrongUnless(right bool, format string, args ...any) string {
	if right {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func shellSyntax(t *testing.T, block string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", block).CombinedOutput()
	return wrongUnless(err == nil, "%s", out)
}

// partOf is for blocks that stand in a file which is tested.
func partOf(pattern string) func(*testing.T, string) string {
	return func(t *testing.T, block string) string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		there := slices.ContainsFunc(files, func(file string) bool {
			info, err := os.Stat(file)
			return err == nil && !info.IsDir() && strings.Contains(read(t, file), block)
		})
		return wrongUnless(there, "no file %s has it", pattern)
	}
}

// Each command that a page shows can be given: targets of make, commands and flags of the CLIs, of kvs-sandbox and of
// Heroku, and paths of packages.
func TestCommands_exist(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, page := range pages(t) {
		for _, command := range commandsOf(read(t, filepath.Join(root, page))) {
			seen[command[0]]++
			if wrong := reviewCommand(t, command); wrong != "" {
				t.Errorf("%s: %s: %s", page, strings.Join(command, " "), wrong)
			}
		}
	}
	for _, program := range strings.Split(programs, "|") {
		if program != "tofu" && seen[program] == 0 {
			t.Errorf("no command of %s was found", program)
		}
	}
	t.Logf("%v", seen)
}

// commandsOf are the commands of the programs above, as words.
func commandsOf(text string) (all [][]string) {
	var lines []string
	for _, match := range block.FindAllStringSubmatch(text, -1) {
		if match[1] == "shell" || match[1] == "sh" {
			lines = append(lines, strings.Split(strings.ReplaceAll(match[2], "\\\n", ""), "\n")...)
		}
	}
	prose := fenced.ReplaceAllString(text, "")
	for _, match := range slices.Concat(span.FindAllStringSubmatch(prose, -1), indented.FindAllStringSubmatch(prose, -1)) {
		lines = append(lines, match[1])
	}
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		for _, command := range regexp.MustCompile(`&&|\||;|>`).Split(line, -1) {
			words := strings.Fields(command)
			if i := slices.Index(words, "--"); i >= 0 && i+1 < len(words) { // kvs-sandbox exec -- terraform test
				if isProgram(words[i+1]) {
					all = append(all, words[i+1:])
				}
				words = words[:i]
			}
			if len(words) > 1 && isProgram(words[0]) {
				all = append(all, words)
			}
		}
	}
	return all
}

func isProgram(word string) bool { return slices.Contains(strings.Split(programs, "|"), word) }

func reviewCommand(t *testing.T, words []string) string {
	t.Helper()
	switch words[0] {
	case "make":
		return reviewMake(read(t, filepath.Join(root, "GNUmakefile")), words[1:])
	case "kvs-sandbox":
		return reviewSandbox(t, words[1:])
	case "heroku":
		return reviewHeroku(t, words[1])
	case "go":
		return reviewGo(words[1:])
	default:
		return ""
	}
}

func reviewMake(makefile string, words []string) string {
	for _, word := range words {
		name, _, assigned := strings.Cut(word, "=")
		pattern := `(?m)^` + regexp.QuoteMeta(name) + `:`
		if assigned {
			pattern = `\(` + regexp.QuoteMeta(name) + `\)|\bor \$\(` + regexp.QuoteMeta(name)
		}
		if !regexp.MustCompile(pattern).MatchString(makefile) {
			return "there is no " + name
		}
	}
	return ""
}

func reviewSandbox(t *testing.T, words []string) string {
	t.Helper()
	source := ""
	files, _ := filepath.Glob(filepath.Join(root, "internal", "cmd", "kvs-sandbox", "*.go"))
	for _, file := range files {
		source += read(t, file)
	}
	for i, word := range words {
		flag, isFlag := strings.CutPrefix(word, "--")
		if !isFlag && i > 0 { // the value of a flag
			continue
		}
		if !strings.Contains(source, fmt.Sprintf("%q", strings.TrimPrefix(flag, "-"))) {
			return "there is no " + word
		}
	}
	return ""
}

// elsewhere are commands of the Heroku CLI that ask other hosts than the sandbox can be.
var elsewhere = []string{"login", "authorizations:create", "auth:whoami", "redis:cli"}

// The sandbox is judged by the Heroku CLI, with nearly all commands that are about what there is here.
func reviewHeroku(t *testing.T, command string) string {
	t.Helper()
	if slices.Contains(elsewhere, command) {
		return ""
	}
	files, _ := filepath.Glob(filepath.Join(root, "internal", "sandbox", "heroku_cli*_test.go"))
	for _, file := range files {
		if regexp.MustCompile(`["\x60]` + regexp.QuoteMeta(command) + `["\x60 ]`).MatchString(read(t, file)) {
			return ""
		}
	}
	return "no test gives this command to the Heroku CLI"
}

var ours = regexp.MustCompile(`^(?:\./|github\.com/terraform-kvs/terraform-provider-kvs/)([^@]+?)(?:/\.\.\.)?(?:@.*)?$`)

func reviewGo(words []string) string {
	if !slices.Contains([]string{"build", "install", "run", "test", "vet"}, words[0]) {
		return "there is no go " + words[0]
	}
	for _, word := range words[1:] {
		if match := ours.FindStringSubmatch(word); match != nil {
			if _, exists := repository(match[1]); !exists {
				return "there is no " + match[1]
			}
		}
	}
	return ""
}

// The CLI itself says which commands and flags it has.
func TestCommands_existInTheCLI(t *testing.T) {
	t.Parallel()
	cli := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if os.Getenv("TF_ACC") == "" || cli == "" {
		t.Skip("commands are looked up in a CLI when TF_ACC is set, as make test does")
	}
	shown := map[string]bool{} // "plan", and "plan -out"
	for _, page := range pages(t) {
		for _, words := range commandsOf(read(t, filepath.Join(root, page))) {
			if words[0] != "terraform" && words[0] != "tofu" {
				continue
			}
			command := words[1]
			if command == "state" && len(words) > 2 {
				command += " " + words[2]
			}
			shown[command] = true
			for _, word := range words[2:] {
				if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(flag, "-") {
					shown[command+" "+flag] = true
				}
			}
		}
	}
	if len(shown) < 20 {
		t.Errorf("only these were found: %v", shown)
	}
	for name := range shown {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(name, "query") || strings.HasSuffix(name, " -invoke") {
				acctest.Needs(t, 14, name)
			}
			command, flag, _ := strings.Cut(name, " -")
			help, _ := exec.CommandContext(t.Context(), cli, append(strings.Fields(command), "-help")...).CombinedOutput()
			if !strings.Contains(string(help), " [global options] "+command) || flag != "" && !strings.Contains(string(help), "-"+flag) {
				t.Errorf("the CLI does not say that it has it:\n%s", help)
			}
		})
	}
}

func TestCommands_plantedFaults(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"make test TF=tofu":            "",
		"make tset":                    "there is no tset",
		"make test TOFU=1":             "there is no TOFU",
		"kvs-sandbox exec --log FILE":  "",
		"kvs-sandbox exec --logs FILE": "there is no --logs",
		"kvs-sandbox execute":          "there is no execute",
		"heroku addons:info":           "",
		"heroku addons:inform":         "no test gives this command to the Heroku CLI",
		"go test ./internal/docs":      "",
		"go test ./internal/dogs":      "there is no internal/dogs",
		"go install github.com/terraform-kvs/terraform-provider-kvs/internal/cmd/kvs-sandbox@latest": "",
	} {
		if got := reviewCommand(t, strings.Fields(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	text := "Say `make test`, not `make`.\n\n    make demo  # shown\n\n```sh\n# not a make target\nkvs-sandbox exec -- terraform test && make soak\n```\n"
	var found []string
	for _, words := range commandsOf(text) {
		found = append(found, strings.Join(words, " "))
	}
	if want := "terraform test, kvs-sandbox exec, make soak, make test, make demo"; strings.Join(found, ", ") != want {
		t.Errorf("the commands are %q, want %q", found, want)
	}
}
