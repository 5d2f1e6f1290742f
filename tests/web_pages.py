"""What the tests of HTML pages share: a reader that wants tags closed, and a text that tries to break out."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = "<script>alert(1)</script>\"'&</title></style><img src=x onerror=y>\x1b[2J\u202e\u200b\x00"
VOID = {"meta", "img"}


class Read(HTMLParser):
    """Collects tags, attributes and text, and sees that tags are closed in order."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
