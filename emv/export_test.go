package emv

// CardKeyBy is CardKey by a named option, over digits that need no check digit:
// published vectors apply both options to one PAN that has none.
func CardKeyBy(option string, master Key, pan, psn string) Key {
	digits := pan + psn
	if option == "B" {
		digits = optionB(digits)
	}
	y := optionA(digits)
	derived := rawKey(bothHalves(y))
	master.raw().encrypt(derived[:])
	return derived.withOddParity().key()
}
