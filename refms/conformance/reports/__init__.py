"""What a run of the catalogue says, in every format, saved, compared, and held against expectations."""
