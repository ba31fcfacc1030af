// Package preference turns files of preference data into core.Source values:
// pairs as text and as the token ids that the model will see.
//
// A file is JSON lines, a JSON array or Parquet, compressed by gzip or not; its
// rows are in one of the formats of [Formats], recognised from the first row or
// named. An [Encoder] turns each row into ids by one of TRL's generations of
// rules, its [Profile]: how prompt and completion are tokenised, which special
// tokens are added, and what is cut where a row is too long. What a profile does
// is what that version of TRL does, id for id; where TRL would train on
// something meaningless (an empty completion, a doubled EOS) the row is dropped
// and counted, or refused.
//
// [Load] does all of it and says in a [Report] what became of the rows and which
// setting would mend it; [ShowFile] prints what the model will see.
package preference
