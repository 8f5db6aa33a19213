"""What a build did and proved: gathered from the journal, as records, as text and as one document."""
