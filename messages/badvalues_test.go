package messages_test

import "strings"

// A badValue is what becomes of a message with another value in one field.
type badValue struct {
	what, message, path, value string
	want                       string // path and problem, as far as they matter; "" is no problem
}

const (
	anActivation = "0100-activation-requestor"
	aTap         = "0100-tap-merchant"
)

var badValues = []badValue{
	{"account number that fails the Luhn check", anActivation, "2", "4761739001010011", "field 2: the PAN's last digit"},
	{"account number of 12 digits", anActivation, "2", "476173900101", "field 2: a PAN has 13 to 19 digits"},
	{"account number in a notification", "0620-created", "2", "4761739001010011", "field 2: the PAN's last digit"},
	{"processing code", anActivation, "3", "310000", "field 3: must be 000000"},
	{"processing code of a tap", aTap, "3", "200000", "field 3: must be 000000"},
	{"activation with an amount", anActivation, "4", "000000000100", "field 4: must be 000000000000"},
	{"amount of 11 digits", aTap, "4", "00000001250", "field 4: must be 12 digits"},
	{"amount with a sign", aTap, "4", "+00000001250", "field 4: must be 12 digits"},
	{"amount with a letter", aTap, "4", "00000000125O", "field 4: must be 12 digits"},
	{"expiry in month 13", anActivation, "14", "2913", "field 14: an expiry date is"},
	{"expiry in month 0", aTap, "14", "2900", "field 14: an expiry date is"},
	{"card sequence number over 99", anActivation, "23", "100", "field 23: a card sequence number is 00 to 99"},
	{"code presence unknown", anActivation, "126.10", "41 075", "field 126.10: must be six characters that begin with 0, 1, 2, 3 or 9"},
	{"code of two digits", anActivation, "126.10", "11  75", "field 126.10: a code is three digits"},
	{"code of four digits", anActivation, "126.10", "110075", "field 126.10: a code is three digits"},
	{"code with a hole", anActivation, "126.10", "1107 5", "field 126.10: a code is three digits"},
	{"code of letters", anActivation, "126.10", "11 O75", "field 126.10: a code is three digits"},
	{"CVV2 data of five characters", anActivation, "126.10", "11075", "field 126.10: must be six characters"},
	{"CVV2 result unknown", "0110-activation-declined", "44", "2         X", "field 44: position 11 must be M, N, P, S or U"},
	{"CVV2 result in lower case", "0100-activation-issuer", "44", "          m", "field 44: position 11 must be"},
	{"token number that fails the Luhn check", "0110-activation-approved", "123.01.01", "4895370012345672", "field 123.01.01: the PAN's last digit"},
	{"token expiry in month 13", "0620-created", "123.01.05", "2913", "field 123.01.05: an expiry date is"},
	{"tag 91 of 7 bytes", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00", "field 55.01.91: must have 8 or 10 bytes"},
	{"tag 91 of 9 bytes", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00\x00\x30", "field 55.01.91: must have 8 or 10 bytes"},
	{"tag 91 of 10 bytes, method 1", "0110-tap-approved", "55.01.91", "\xF2\x08\x7F\x22\x00\x80\x00\x00\x30\x30", ""},
	{"cryptogram of 4 bytes", aTap, "55.01.9F26", "\xF8\xBF\x25\x59", "tag 9F26 has 4 bytes"},
	{"amount in the chip data with a letter", aTap, "55.01.9F02", "\x00\x00\x00\x00\x12\x5A", "tag 9F02 is not a number"},
	{"currency in the chip data over 999", aTap, "55.01.5F2A", "\x18\x40", "tag 5F2A is not a number"},
	{"cryptogram that is no ARQC", aTap, "55.01.9F27", "\x40", "tag 9F27 does not say"},
	{"tag of no use to a cryptogram alone", aTap, "55.01.9F6E", "\x20\x70\x00\x00", ""},
}

// badValuesOfSteps are those of steps in a token's life, reversals, advices and
// payments without a terminal.
var badValuesOfSteps = []badValue{
	{"minted token's expiry in month 13", "0100-activation-provider", "123.01.05", "2913", "field 123.01.05: an expiry date is"},
	{"activation method unknown", "0110-activation-step-up", "123.01.0D", "04", "field 123.01.0D: must be one of 01, 02, 03"},
	{"activation method of one digit", "0110-activation-step-up", "123.01.0D", "9", "field 123.01.0D: must be one of"},
	{"passcode of three digits", "0620-passcode", "123.01.0B", "408", "field 123.01.0B: a passcode has 4 to 8 digits"},
	{"passcode of nine digits", "0620-passcode", "123.01.0B", "408117408", "field 123.01.0B: a passcode has"},
	{"passcode of four digits", "0620-passcode", "123.01.0B", "4081", ""},
	{"passcode of eight digits", "0620-passcode", "123.01.0B", "40811740", ""},
	{"passcode with a letter", "0302-passcode", "123.01.0B", "40811O", "field 123.01.0B: a passcode has"},
	{"passcode that expires in month 13", "0620-passcode", "123.01.0C", "261322130456", "field 123.01.0C: must be a time"},
	{"passcode that expires on the 30th of February", "0620-passcode", "123.01.0C", "260230130456", "field 123.01.0C: must be a time"},
	{"passcode that expires within a second", "0620-passcode", "123.01.0C", "2611221304.5", "field 123.01.0C: must be a time"},
	{"passcode that expires at half a second", "0620-passcode", "123.01.0C", "261122130456.5", "field 123.01.0C: must be a time"},
	{"passcode that expires in a leap year", "0620-passcode", "123.01.0C", "280229000000", ""},
	{"new expiry in month 13", "0620-expiry", "14", "3413", "field 14: an expiry date is"},
	{"verification of an amount", "0100-verification-merchant", "4", "000000000001", "field 4: must be 0 in an account verification"},
	{"payment of nothing", "0100-ecommerce-merchant", "4", "000000000000", ""},
	{"processing code of a payment", "0100-ecommerce-merchant", "3", "200000", "field 3: must be 000000"},
	{"e-commerce cryptogram of 19 bytes", "0100-ecommerce-merchant", "126.9", "\x01" + strings.Repeat("\x00", 18), "field 126.9: an e-commerce cryptogram is 20 bytes"},
	{"e-commerce cryptogram of another form", "0100-ecommerce-merchant", "126.9", "\x02" + strings.Repeat("\x00", 19), "field 126.9: an e-commerce cryptogram is 20 bytes"},
	{"half a token of a payment", "0100-ecommerce-merchant", "123.01.07", "A", "field 123.01.01: is mandatory"},
	{"half a token of a tap", "0100-tap-requestor", "123.01.04", "0f1e", "field 123.01.01: is mandatory"},
	{"file action unknown", "0302-suspend", "91", "7", "field 91: must be one of 2, 5"},
	{"another file", "0302-suspend", "101", "CARDS", "field 101: must be TOKENS"},
	{"another file in an answer", "0312-suspended", "101", "CARDS", "field 101: must be TOKENS"},
	{"reason of a notice alone", "0302-suspend", "63.3", "3711", "field 63.3: must be one of 3701, 3702, 3703, 3712, 3713, 3714, 3715, 3720, 3721"},
	{"creation", "0302-suspend", "63.3", "3700", "field 63.3: must be one of"},
	{"inquiry with a reason", "0302-inquiry", "63.3", "3702", "field 63.3: must be absent in an inquiry"},
	{"passcode without digits", "0302-suspend", "63.3", "3712", "field 123.01.0B: is mandatory"},
	{"expiry update without one", "0302-suspend", "63.3", "3720", "field 14: is mandatory"},
	{"replacement without a PAN", "0302-expiry", "63.3", "3721", "field 2: is mandatory"},
	{"passcode again", "0302-suspend", "63.3", "3715", ""},
	{"reversal of another kind", "0420-activation", "63.3", "3702", "field 63.3: must be 3700, or absent"},
	{"advice of another kind", "0120-declined", "63.3", "3711", "field 63.3: must be 3700, or absent"},
	{"original of another type", "0400-tap", "90", "0200" + strings.Repeat("1", 38), "field 90: must begin with one of 0100, 0101, 0120"},
	{"original that is a repeat", "0400-tap", "90", "0101" + strings.Repeat("1", 38), ""},
	{"original that is an advice", "0400-tap", "90", "0120" + strings.Repeat("1", 38), ""},
	{"original of 41 digits", "0400-tap", "90", "0100" + strings.Repeat("1", 37), "field 90: must be 42 digits"},
	{"original with a letter", "0400-tap", "90", "0100" + strings.Repeat("1", 37) + "O", "field 90: must be 42 digits"},
}
