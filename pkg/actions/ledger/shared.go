package ledger

import "fmt"

// decodeShared reads the shared document; nil gives an empty one without a name.
func (l *Ledger) decodeShared(raw []byte) (document, error) {
	d, err := l.sharedPage.decode(raw)
	if err != nil {
		return document{}, fmt.Errorf("cannot read the shared queue: %w; nothing was overwritten: look at the document %q in the store", err, sharedKey)
	}
	return d, nil
}
