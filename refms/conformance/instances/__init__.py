"""The cases on which properties are checked: few small integers and a seed each, drawn as a tier asks."""
