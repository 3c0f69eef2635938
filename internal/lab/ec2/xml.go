package ec2

import (
	"bytes"
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// reply is the body of an answer; it is written as <ActionResponse>.
type reply interface{ setRequestID(id string) }

// head begins every answer.
type head struct {
	RequestID string `xml:"requestId"`
}

func (h *head) setRequestID(id string) { h.RequestID = id }

// done is the answer of actions that only succeed.
type done struct {
	head
	Return bool `xml:"return"`
}

// set is a list; an empty one is written too, as clients tell it from a missing one.
type set[T any] struct {
	Items []T `xml:"item"`
}

func encodeReply(action, id string, r reply) ([]byte, error) {
	r.setRequestID(id)
	return encode(r, xml.StartElement{
		Name: xml.Name{Local: action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "http://ec2.amazonaws.com/doc/2016-11-15/"}},
	})
}

// errorBody is the answer to a refused request.
type errorBody struct {
	Code      string `xml:"Errors>Error>Code"`
	Message   string `xml:"Errors>Error>Message"`
	RequestID string `xml:"RequestID"`
}

func encodeError(id string, e *Error) ([]byte, error) {
	return encode(errorBody{e.Code, e.Message, id}, xml.StartElement{Name: xml.Name{Local: "Response"}})
}

func encode(body any, start xml.StartElement) ([]byte, error) {
	out := bytes.NewBufferString(xml.Header)
	err := xml.NewEncoder(out).EncodeElement(body, start)
	return out.Bytes(), err
}

// printable tells whether XML can carry the text.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
	})
}
