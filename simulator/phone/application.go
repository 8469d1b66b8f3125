package phone

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/firsttap/firsttap/emv"
)

// Instructions of the contactless application (EMV Book 1 table 42, Book 3
// table 10), each with the class it comes in.
const (
	classInterindustry = 0x00
	classProprietary   = 0x80

	insExternalAuthenticate = 0x82
	insSelect               = 0xA4
	insProcessingOptions    = 0xA8
	insReadRecord           = 0xB2
)

const (
	directory  = "2PAY.SYS.DDF01" // the contactless directory, EMV Book B 3.3.1
	label      = "FIRSTTAP"
	recordFile = 1 // short file identifier of the only record file
	recordOnly = 3 // and the only record in it; Visa-style cards keep it there
)

// tagTokenRequestor is the token requestor id, 11 digits in 6 bytes (EMV
// Payment Tokenisation Framework).
const tagTokenRequestor emv.Tag = 0x9F19

var interchangeProfile = [2]byte{0x20, 0x00}

// application is one token with the state of its transactions.
type application struct {
	material Material
	version  emv.Version
	lent     []lentKey // of a cloud token, in the order they came
	atc      uint16
	pending  pending
	answer   Answer
	readable bool // records may be read: processing options were given since SELECT
}

// pending is the last tap, until the issuer's answer has come.
type pending struct {
	arqc emv.Cryptogram // none: no answer is awaited
	atc  uint16
}

func (a *application) clone() *application {
	twin := *a
	twin.lent = slices.Clone(a.lent)
	return &twin
}

// follow makes a the successor of the same token as it was loaded before.
func (a *application) follow(before *application) {
	a.atc = before.atc
	for i := range a.lent {
		if old := before.lentAs(a.lent[i].Index); old != nil {
			a.lent[i].used = old.used
		}
	}
}

// answer carries out one command.
func (p *Phone) answer(c apdu) ([]byte, Status) {
	switch {
	case c.class != classInterindustry && c.class != classProprietary:
		return nil, statusUnknownClass
	case c.class == classInterindustry && c.instruction == insSelect:
		return p.selectFile(c)
	case c.class == classProprietary && c.instruction == insProcessingOptions:
		return p.processingOptions(c)
	case c.class == classInterindustry && c.instruction == insReadRecord:
		return p.readRecord(c)
	case c.class == classInterindustry && c.instruction == insExternalAuthenticate:
		return nil, p.externalAuthenticate(c)
	default:
		return nil, statusUnknownCommand
	}
}

// selectFile answers SELECT by name (EMV Book 1 11.3) for the directory and
// for the token that pays, also by the first bytes of its AID.
func (p *Phone) selectFile(c apdu) ([]byte, Status) {
	p.selected = nil
	switch {
	case c.p1 != 0x04 || c.p2 != 0x00:
		return nil, statusWrongParameters
	case len(c.data) < aidBytesMin || len(c.data) > aidBytesMax:
		return nil, statusWrongLength
	case len(p.tokens) == 0:
		return nil, statusNotFound
	}
	app := p.tokens[p.chosen]
	if string(c.data) == directory {
		return app.directoryEntry(), statusOK
	}
	if !bytes.HasPrefix(app.material.AID, c.data) {
		return nil, statusNotFound
	}
	p.selected, app.readable = app, false
	return app.controlInformation(), statusOK
}

func (a *application) directoryEntry() []byte {
	entry := emv.AppendTLV(nil, emv.TagAID, a.material.AID)
	entry = emv.AppendTLV(entry, emv.TagLabel, []byte(label))
	entry = emv.AppendTLV(entry, emv.TagPriority, []byte{1})
	discretionary := emv.AppendTLV(nil, emv.TagFCIDiscretionary, emv.AppendTLV(nil, emv.TagDirectoryEntry, entry))
	name := emv.AppendTLV(nil, emv.TagDFName, []byte(directory))
	return emv.AppendTLV(nil, emv.TagFCI, emv.AppendTLV(name, emv.TagFCIProprietary, discretionary))
}

func (a *application) controlInformation() []byte {
	own := emv.AppendTLV(nil, emv.TagLabel, []byte(label))
	own = emv.AppendTLV(own, emv.TagPriority, []byte{1})
	own = emv.AppendTLV(own, emv.TagPDOL, pdol())
	name := emv.AppendTLV(nil, emv.TagDFName, a.material.AID)
	return emv.AppendTLV(nil, emv.TagFCI, emv.AppendTLV(name, emv.TagFCIProprietary, own))
}

// processingOptions begins a transaction: it counts it and computes the
// cryptogram over the terminal's data (EMV Book 3 6.5.8, answer format 2).
func (p *Phone) processingOptions(c apdu) ([]byte, Status) {
	app := p.selected
	switch {
	case c.p1 != 0 || c.p2 != 0:
		return nil, statusWrongParameters
	case app == nil || app.readable || app.atc == math.MaxUint16:
		return nil, statusWrongOrder
	}
	in, status := readTerminalData(c.data)
	if status != statusOK {
		return nil, status
	}
	return app.begin(in, p.now())
}

// begin takes the key of this tap, and with it one of its uses. Without a key
// the phone does not count the tap.
func (a *application) begin(in emv.Input, now time.Time) ([]byte, Status) {
	key, index, err := a.take(now)
	if err != nil {
		return nil, statusWrongOrder
	}
	a.count()
	in.AIP, in.ATC, in.IAD = interchangeProfile, a.atc, a.issuerData(index)
	arqc, err := emv.ApplicationCryptogram(key, in)
	if err != nil {
		return nil, statusFault
	}
	a.readable = true
	if a.version != emv.Version43 {
		a.pending = pending{arqc: arqc, atc: a.atc}
	}
	return a.options(in, arqc), statusOK
}

// count begins a transaction: whatever was awaited is over.
func (a *application) count() {
	a.atc++
	a.answer, a.pending = NoAnswer, pending{}
}

func (a *application) options(in emv.Input, arqc emv.Cryptogram) []byte {
	var d []byte
	d = emv.AppendTLV(d, emv.TagAIP, in.AIP[:])
	d = emv.AppendTLV(d, emv.TagAFL, []byte{recordFile << 3, recordOnly, recordOnly, 0})
	d = emv.AppendTLV(d, emv.TagATC, binary.BigEndian.AppendUint16(nil, in.ATC))
	d = emv.AppendTLV(d, emv.TagARQC, arqc.Reveal())
	d = emv.AppendTLV(d, emv.TagIAD, in.IAD)
	d = emv.AppendTLV(d, emv.TagTrack2, a.material.track2())
	d = emv.AppendTLV(d, emv.TagPANSequence, packDigits(a.material.Sequence.Digits()))
	d = emv.AppendTLV(d, emv.TagCID, []byte{emv.CIDRequest})
	d = emv.AppendTLV(d, emv.TagCTQ, []byte{0x00, 0x80})           // the phone verified its owner
	d = emv.AppendTLV(d, emv.TagFormFactor, []byte{0x23, 0, 0, 0}) // a phone
	return emv.AppendTLV(nil, emv.TagResponse, d)
}

// readRecord answers READ RECORD (EMV Book 3 6.5.11) for the only record.
func (p *Phone) readRecord(c apdu) ([]byte, Status) {
	switch {
	case c.p2&0x07 != 0x04:
		return nil, statusWrongParameters
	case len(c.data) != 0:
		return nil, statusWrongLength
	case p.selected == nil || !p.selected.readable:
		return nil, statusWrongOrder
	case c.p2>>3 != recordFile:
		return nil, statusNotFound
	case c.p1 != recordOnly:
		return nil, statusRecordNotFound
	}
	return p.selected.record(), statusOK
}

func (a *application) record() []byte {
	var d []byte
	d = emv.AppendTLV(d, emv.TagPAN, packDigits(a.material.Number.Reveal()))
	d = emv.AppendTLV(d, emv.TagExpiryDate, packDigits(lastDay(a.material.Expiry.YYMM())))
	d = emv.AppendTLV(d, tagTokenRequestor, packDigits("0"+a.material.Requestor))
	return emv.AppendTLV(nil, emv.TagRecord, d)
}

// lastDay makes YYMMDD of YYMM: a card is valid to its month's last day.
func lastDay(yymm string) string {
	first, err := time.Parse("0601", yymm)
	if err != nil {
		return yymm + "28"
	}
	return first.AddDate(0, 1, -1).Format("060102")
}
