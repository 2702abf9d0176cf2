// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package release

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

func TestMain(m *testing.M) { acctest.Main(m) }

const (
	provider = "terraform-provider-kvs"
	sandbox  = "kvs-sandbox"
)

var (
	version = os.Getenv("KVS_RELEASE_VERSION")
	tools   = os.Getenv("KVS_RELEASE_TOOLS") // a directory with goreleaser and cyclonedx-gomod
	clis    = strings.Fields(os.Getenv("KVS_RELEASE_CLIS"))
)

// platforms are those that a release has to have of each of its two programs.
var platforms = map[string][]string{
	provider: {
		"darwin_amd64", "darwin_arm64",
		"freebsd_386", "freebsd_amd64", "freebsd_arm", "freebsd_arm64",
		"linux_386", "linux_amd64", "linux_arm", "linux_arm64",
		"windows_386", "windows_amd64", "windows_arm64",
	},
	sandbox: {"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64", "windows_arm64"},
}

// A release of the last commit, built twice in different places, is the same to the byte, complete, and installs.
func TestLongRelease(t *testing.T) {
	if version == "" {
		t.Skip("make release-check runs it, with the tools that it needs")
	}
	one, two := build(t, "one"), build(t, filepath.Join("another", "place"))

	sums := contentOf(t, filepath.Join(one, file(provider, "SHA256SUMS")))
	if again := contentOf(t, filepath.Join(two, file(provider, "SHA256SUMS"))); !bytes.Equal(sums, again) {
		t.Errorf("two builds of one commit differ:\n%s\n%s", sums, again)
	}
	t.Logf("sum of the sums: %x", sha256.Sum256(sums))
	t.Run("every file has its sum", func(t *testing.T) { expectSums(t, one, string(sums)) })
	t.Run("manifest", func(t *testing.T) {
		var manifest struct {
			Version  int
			Metadata struct {
				Protocols []string `json:"protocol_versions"`
			}
		}
		decode(t, filepath.Join(one, "..", "terraform-registry-manifest.json"), &manifest)
		if manifest.Version != 1 || !slices.Equal(manifest.Metadata.Protocols, []string{"6.0"}) {
			t.Errorf("it says %+v", manifest)
		}
	})
	t.Run("from nothing", func(t *testing.T) { expectSameWithoutCache(t, one) })
	for program, all := range platforms {
		for _, platform := range all {
			t.Run(program+"_"+platform, func(t *testing.T) { expectArchive(t, one, program, platform) })
		}
	}
	t.Run("the sandbox runs", func(t *testing.T) { expectSandbox(t, one) })
	for _, cli := range clis {
		t.Run("installs with "+filepath.Base(cli), func(t *testing.T) { expectInstalls(t, one, cli) })
	}
}

func file(program, suffix string) string { return program + "_" + version + "_" + suffix }

// binaryOf is the name of a program in its archive: the registry wants the version in that of a provider.
func binaryOf(program, platform string) string {
	name := program
	if program == provider {
		name += "_v" + version
	}
	if strings.HasPrefix(platform, "windows") {
		name += ".exe"
	}
	return name
}

// build makes a release of the last commit in a clone of its own, and gives the directory with what is to be published.
func build(t *testing.T, place string) string {
	t.Helper()
	clone := cloneInto(t, filepath.Join(t.TempDir(), place))
	goreleaser(t, clone, nil, "release", "--clean", "--skip=publish,sign,announce")
	return filepath.Join(clone, "dist")
}

func cloneInto(t *testing.T, dir string) string {
	t.Helper()
	run(t, "", nil, "git", "clone", "--quiet", "--no-hardlinks", filepath.Join("..", ".."), dir)
	run(t, dir, nil, "git", "tag", "--force", "v"+version)
	return dir
}

func goreleaser(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	env = append(env, "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"), "GOFLAGS=")
	run(t, dir, env, filepath.Join(tools, "goreleaser"), args...)
}

// expectSameWithoutCache: the two builds of everything share what Go has compiled. Here, all of it is compiled anew, for the
// platform of this machine.
func expectSameWithoutCache(t *testing.T, dist string) {
	clone := cloneInto(t, filepath.Join(t.TempDir(), "third"))
	goreleaser(t, clone, []string{"GOCACHE=" + t.TempDir()}, "build", "--clean", "--single-target")
	here := runtime.GOOS + "_" + runtime.GOARCH
	for program := range platforms {
		one, err := filepath.Glob(filepath.Join(dist, program+"_"+here+"*", binaryOf(program, here)))
		if err != nil || len(one) != 1 {
			t.Fatalf("%s of this machine is not among %v: %v", program, one, err)
		}
		another := strings.Replace(one[0], dist, filepath.Join(clone, "dist"), 1)
		if !bytes.Equal(contentOf(t, one[0]), contentOf(t, another)) {
			t.Errorf("%s is another one without Go's cache", filepath.Base(one[0]))
		}
	}
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	if err := json.Unmarshal(contentOf(t, path), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// expectSums: archives, bills of materials and the manifest are listed, with the sums that they have, and nothing else is.
func expectSums(t *testing.T, dist, sums string) {
	manifest := file(provider, "manifest.json")
	want := []string{manifest}
	for program, all := range platforms {
		for _, platform := range all {
			want = append(want, file(program, platform+".zip"), file(program, platform+".cdx.json"))
		}
	}
	var listed []string
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed = append(listed, name)
		path := filepath.Join(dist, name)
		if name == manifest {
			path = filepath.Join(dist, "..", "terraform-registry-manifest.json")
		}
		if is := sha256.Sum256(contentOf(t, path)); hex.EncodeToString(is[:]) != sum {
			t.Errorf("%s has another sum than is listed", name)
		}
	}
	slices.Sort(want)
	if slices.Sort(listed); !slices.Equal(listed, want) {
		t.Errorf("listed are\n%q\nwant\n%q", listed, want)
	}
}

// expectArchive: one binary under the name that is expected of it, for the platform, and a bill of its very modules.
func expectArchive(t *testing.T, dist, program, platform string) {
	archive, err := zip.OpenReader(filepath.Join(dist, file(program, platform+".zip")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var files []string
	var built *buildinfo.BuildInfo
	for _, f := range archive.File {
		files = append(files, f.Name)
		if f.Name != binaryOf(program, platform) {
			continue
		}
		if built, err = buildinfo.Read(bytes.NewReader(unpacked(t, f))); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"CHANGELOG.md", "LICENSE", "README.md", binaryOf(program, platform)}
	if slices.Sort(files); !slices.Equal(files, want) {
		t.Fatalf("its files are %q, want %q", files, want)
	}
	settings := map[string]string{}
	for _, s := range built.Settings {
		settings[s.Key] = s.Value
	}
	if is := settings["GOOS"] + "_" + settings["GOARCH"]; is != platform || settings["CGO_ENABLED"] != "0" ||
		settings["-trimpath"] != "true" ||
		settings["vcs.modified"] == "true" {
		t.Errorf("it was built with %v", settings)
	}
	var linked []string
	for _, module := range built.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		linked = append(linked, module.Path+" "+module.Version)
	}
	slices.Sort(linked)
	if listed := billOf(t, filepath.Join(dist, file(program, platform+".cdx.json"))).modules(); !slices.Equal(listed, linked) {
		t.Errorf("the bill of materials lists\n%q\nand the binary\n%q", listed, linked)
	}
}

func unpacked(t *testing.T, f *zip.File) []byte {
	t.Helper()
	opened, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// expectSandbox runs a command with a sandbox around it, and both out of the archive for this machine.
func expectSandbox(t *testing.T, dist string) {
	here := runtime.GOOS + "_" + runtime.GOARCH
	archive, err := zip.OpenReader(filepath.Join(dist, file(sandbox, here+".zip")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	program := filepath.Join(t.TempDir(), binaryOf(sandbox, here))
	for _, f := range archive.File {
		if f.Name == filepath.Base(program) {
			if err := os.WriteFile(program, unpacked(t, f), f.Mode()); err != nil {
				t.Fatal(err)
			}
		}
	}
	said := run(t, "", nil, program, "exec", "--", "sh", "-c",
		`curl -sf -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Accept: application/vnd.heroku+json; version=3' "$HEROKU_API_URL/teams"`)
	if !strings.Contains(said, `"acme"`) {
		t.Errorf("the command that it ran said %q", said)
	}
}

// expectInstalls installs from a directory that holds the archives as the registry serves them, and asks Heroku.
func expectInstalls(t *testing.T, dist, cli string) {
	sb := acctest.Start(t)
	dir := t.TempDir()
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		into := filepath.Join(dir, "mirror", host, "terraform-kvs", "kvs")
		if err := os.MkdirAll(into, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, platform := range platforms[provider] {
			name := file(provider, platform+".zip")
			if err := os.Link(filepath.Join(dist, name), filepath.Join(into, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, filepath.Join(dir, "cli.tfrc"), fmt.Sprintf(
		"provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.Join(dir, "mirror")))
	write(t, filepath.Join(dir, "main.tf"), fmt.Sprintf("terraform {\n  required_providers {\n    kvs = {\n      "+
		"source  = \"terraform-kvs/kvs\"\n"+
		"      version = %q\n    }\n  }\n}\n\ndata \"kvs_plans\" \"all\" {}\n", version))
	env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(dir, "cli.tfrc"), "HEROKU_API_URL=" + sb.URL(), "HEROKU_DATA_API_URL=" + sb.URL(),
		"HEROKU_API_KEY=" + sb.Token()}
	run(t, dir, env, cli, "init", "-input=false", "-no-color")
	if said := run(t, dir, env, cli, "version", "-no-color"); !strings.Contains(said, "terraform-kvs/kvs v"+version) {
		t.Errorf("it has installed another version:\n%s", said)
	}
	run(t, dir, env, cli, "plan", "-input=false", "-no-color")
	journal := sb.Journal()
	if len(journal) == 0 {
		t.Fatal("nothing was sent")
	}
	for _, request := range journal {
		if !strings.HasPrefix(request.UserAgent, provider+"/"+version+" (Terraform ") {
			t.Errorf("%s %s was sent by %q", request.Method, request.Path, request.UserAgent)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
