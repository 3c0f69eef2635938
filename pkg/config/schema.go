package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Schema returns the JSON Schema (2020-12) of the file. Descriptions are the
// comments of the sample. It is what one key's value can be; references, repeated
// names and what is built in are beyond it.
func Schema() ([]byte, error) {
	texts, err := sampleComments()
	if err != nil {
		return nil, err
	}
	s := schemer{rules: rules{}, texts: texts}
	root := s.structure(reflect.TypeFor[Config](), &rule{})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "The configuration file of clmgr"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot make schema of configuration: %w", err)
	}
	return append(text, '\n'), nil
}

// schema is a JSON object; the encoder sorts its keys.
type schema map[string]any

type schemer struct {
	rules rules
	texts comments
}

func (s *schemer) structure(t reflect.Type, r *rule) schema {
	properties := schema{}
	var needed []string
	var one []any
	instead := ""
	for _, f := range s.rules.of(t).fields {
		if f.key == r.without {
			continue
		}
		p := s.value(t.Field(f.index).Type, &f)
		if text := s.texts[commentKey{t, f.key}]; text != "" {
			p["description"] = text
		}
		properties[f.key] = p
		if f.need {
			needed = append(needed, f.key)
		}
		if f.one {
			one = append(one, schema{"required": []string{f.key}})
		}
		if f.instead {
			instead = f.key
		}
	}
	object := schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(needed) > 0 {
		object["type"], object["required"] = "object", needed
	}
	if instead != "" {
		one = append(one, schema{"required": []string{instead}, "not": schema{"anyOf": slices.Clone(one)}})
	}
	if len(one) > 0 {
		object["type"], object["oneOf"] = "object", one
	}
	return object
}

func (s *schemer) value(t reflect.Type, r *rule) schema {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return withDefault(schema{"type": "string", "pattern": `^([0-9]+d)?([0-9.]+(ns|us|µs|ms|s|m|h))*$`, "minLength": 2}, r.standard)
	case reflect.TypeFor[netip.Addr]():
		return schema{"type": "string", "pattern": `^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(%[^ ]+)?$`}
	case reflect.TypeFor[secret.Value]():
		return secretSchema()
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.structure(t, r)
	case reflect.Pointer:
		return s.structure(t.Elem(), r)
	case reflect.Slice:
		return s.list(t, r)
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": textSchema(r)}
	case reflect.Bool:
		return withDefault(schema{"type": "boolean"}, r.standard == "true")
	case reflect.Int:
		bounded := schema{"type": "integer", "minimum": r.min, "maximum": r.max}
		if r.standard != "" {
			bounded["default"] = atoi(r.standard)
		}
		return bounded
	case reflect.Uint16:
		return schema{"type": "integer", "minimum": 1, "maximum": 65535}
	case reflect.Int64:
		size := schema{"type": []string{"integer", "string"}, "minimum": 1, "pattern": `^[0-9]+ *(B|[kK]B|[MGT]B|[KMGT]iB)?$`}
		return withDefault(size, r.standard)
	}
	return textSchema(r)
}

func (s *schemer) list(t reflect.Type, r *rule) schema {
	item := s.value(t.Elem(), r)
	if !r.keyed {
		return schema{"type": []string{"array", "null"}, "items": item}
	}
	object := schema{"type": []string{"object", "null"}, "propertyNames": schema{"pattern": namePattern}, "additionalProperties": item}
	if r.need {
		object["type"], object["minProperties"] = "object", 1
	}
	return object
}

// withDefault adds a default unless it is the empty string.
func withDefault(s schema, standard any) schema {
	if standard != "" {
		s["default"] = standard
	}
	return s
}

// namePattern is nameFault as a regular expression.
const namePattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`

func textSchema(r *rule) schema {
	s := withDefault(schema{"type": "string"}, r.standard)
	if len(r.enum) > 0 {
		s["enum"] = r.enum
	}
	switch r.check {
	case "name":
		s["pattern"] = namePattern
	case "word", "bastion", "listen":
		s["pattern"] = `^[^\x00-\x20\x7f]*$`
	case "store":
		s["pattern"] = `^[a-z]+:[^\x00-\x20\x7f]+$`
	case "method":
		s["pattern"] = `^[A-Z]+$`
	case "urlpath":
		s["pattern"] = `^/[^\x00-\x20\x7f]*$`
	case "socket":
		s["pattern"] = "^/"
	case "logfile":
		s["pattern"] = `^/([^\x00-\x1f\x7f]*[^/\x00-\x1f\x7f])$`
	case "unit":
		s["pattern"] = `^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}$`
	case "machinepath":
		s["pattern"] = machinePath.String()
	case "filemode":
		s["pattern"] = fileMode.String()
	case "owner":
		s["pattern"] = fileOwner.String()
	case "sha256":
		s["pattern"] = hexSHA256.String()
	case "download":
		s["pattern"] = plainURL.String()
	case "setting":
		s["pattern"] = settingPattern.String()
	case "package":
		s["pattern"] = packagePattern.String()
	case "account":
		s["pattern"] = accountPattern.String()
	case "command":
		s["pattern"] = `[^ \t\r\n]`
	case "path", "path-or-none", "pattern", "template":
		s["minLength"] = 1
	case "url":
		s["pattern"] = urlPattern.String()
	case "label":
		s["pattern"] = labelPattern.String()
	case "comparison":
		s["pattern"] = comparisonPattern.String()
	case "range":
		s["pattern"] = rangePattern.String()
	case "limits":
		s["pattern"] = limitsPattern.String()
	case "mountpoint":
		s["pattern"] = "^/(.*[^/])?$"
	case "labelpattern":
		s["pattern"] = "^[^=]+="
	case "regexp":
		s["format"] = "regex"
	}
	return s
}

func secretSchema() schema {
	forms := []schema{{"type": "string"}}
	for _, key := range []string{"env", "file"} {
		forms = append(forms, schema{
			"type": "object", "properties": schema{key: schema{"type": "string", "minLength": 1}},
			"required": []string{key}, "additionalProperties": false,
		})
	}
	return schema{"oneOf": forms}
}
