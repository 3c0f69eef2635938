package ec2

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// mostOnPage is how many a page has where the request does not say.
const mostOnPage = 1000

// bookmark is what a NextToken holds: where the last page ended. A listing goes on from
// there even if what it ended with is gone.
type bookmark struct {
	Action string `json:"a"`
	After  uint64 `json:"s"` // the number of the last one listed
	Page   int    `json:"p"` // the number of the page it asks for; the first is 1
}

func (b bookmark) String() string {
	text, _ := json.Marshal(b) // three plain fields always marshal
	return base64.RawURLEncoding.EncodeToString(text)
}

// readBookmark reads NextToken; without one it is the beginning.
func readBookmark(p params) (bookmark, *Error) {
	b := bookmark{Action: p["Action"], Page: 1}
	if p["NextToken"] == "" {
		return b, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p["NextToken"])
	var read bookmark
	if err != nil || json.Unmarshal(text, &read) != nil || read.Action != b.Action || read.Page < 2 {
		return b, refuse("InvalidNextToken", "The token '%s' is invalid", p["NextToken"])
	}
	return read, nil
}

// pageOf cuts one page out of resources, which are in the order of their numbers.
func pageOf[T any](p params, resources []T, least int, seq func(T) uint64) (page []T, next string, err *Error) {
	size, err := pageSize(p, least)
	if err != nil {
		return nil, "", err
	}
	b, err := readBookmark(p)
	if err != nil {
		return nil, "", err
	}
	for _, r := range resources {
		if seq(r) <= b.After {
			continue
		}
		if len(page) == size {
			next = bookmark{b.Action, seq(page[size-1]), b.Page + 1}.String()
			break
		}
		page = append(page, r)
	}
	return page, next, nil
}

func pageSize(p params, least int) (int, *Error) {
	size, err := p.integer("MaxResults", mostOnPage)
	if err != nil {
		return 0, err
	}
	if size < least || size > mostOnPage {
		return 0, refuse("InvalidParameterValue",
			"Value ( %s ) for parameter maxResults is invalid. Expecting a value between %d and %d.",
			strconv.Itoa(size), least, mostOnPage)
	}
	return size, nil
}
