package config

// Recipe says how a managed service is laid out on its machine. Commands and file texts are
// templates: see pkg/template.
type Recipe struct {
	Install []RecipeStep `yaml:"install"` // in this order, before the files
	Files   []RecipeFile `yaml:"files"`
	Reload  string       `yaml:"reload" check:"command"` // has a unit that runs take changed files; "": systemctl restart
	Serves  string       `yaml:"serves" check:"command"` // ends well once the unit serves with them; "": the unit is active
}

// RecipeStep is a command that is run where a look finds that it was not: exactly one of
// Creates and Unless is set.
type RecipeStep struct {
	Run     string `yaml:"run" check:"command" need:"true"`
	Creates string `yaml:"creates" check:"machinepath" one:"true"` // what is there once it was run
	Unless  string `yaml:"unless" check:"command" one:"true"`      // a command that ends well then
}

// RecipeFile is a file on the machine.
type RecipeFile struct {
	Path     string `yaml:"path" check:"machinepath" need:"true"`
	Template string `yaml:"template" one:"true"`          // its text, never empty after Load
	From     string `yaml:"from" check:"path" one:"true"` // the file with it; read by Load
	Mode     string `yaml:"mode" default:"0644" check:"filemode"`
	Owner    string `yaml:"owner" default:"root:root" check:"owner"`
	Check    string `yaml:"check" check:"command"` // judges the new file, which it calls {file}
}

// Archive is a tarball that is unpacked on the machine, once for all its services: exactly
// one of File and URL is set.
type Archive struct {
	File   string `yaml:"file" check:"path" one:"true"`    // on the manager, which sends it
	URL    string `yaml:"url" check:"download" one:"true"` // where the machine gets it
	SHA256 string `yaml:"sha256" check:"sha256" need:"true"`
	To     string `yaml:"to" check:"machinepath" need:"true"` // becomes a link to what was unpacked
	Strip  int    `yaml:"strip" default:"0" min:"0" max:"9"`  // leading folders that are left out
}

// Repository is one of Debian packages, with the key that signs it: exactly one of Key and
// KeyURL is set.
type Repository struct {
	Name       string `yaml:"-" check:"name"` // its key in the file
	URL        string `yaml:"url" check:"download" need:"true"`
	Suite      string `yaml:"suite" check:"word" need:"true"`
	Components string `yaml:"components" default:"main"`
	Key        string `yaml:"key" check:"path" one:"true"`         // a file on the manager
	KeyURL     string `yaml:"key_url" check:"download" one:"true"` // where the machine gets it
	KeySHA256  string `yaml:"key_sha256" check:"sha256" need:"true"`
	KeyText    []byte `yaml:"-"` // of Key
}
