"""Judges generated tables with presidio-analyzer's recognisers; prints one JSON object for each column.

The language model is a blank one: none is downloaded. A column, or a path of it, has the label that most of its values
have, where a third of them have one; texts are masked span by span.
"""

import collections
import json
import sys
import time

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine


class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}

    def load(self):
        pass


LABELS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "IP_ADDRESS": "ip",
          "US_SSN": "national-id", "US_ITIN": "national-id", "UK_NHS": "national-id", "UK_NINO": "national-id", "PERSON": "name",
          "LOCATION": "address", "US_BANK_NUMBER": "bank-account", "US_PASSPORT": "passport", "US_DRIVER_LICENSE": "driver-license",
          "DATE_TIME": "date-of-birth", "CRYPTO": "secret", "MEDICAL_LICENSE": "health"}

registry = RecognizerRegistry(supported_languages=["en"])
registry.load_predefined_recognizers(languages=["en"])
engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
for line in open(sys.argv[1], encoding="utf-8"):
    table = json.loads(line)
    for column in table["columns"]:
        begun = time.perf_counter()
        context = column["name"].replace("_", " ").split()
        found = [[h for h in engine.analyze(u[1], language="en", context=context) if h.score >= 0.4] if u[1] else [] for u in column["units"]]
        paths = {}
        for path in column["truths"]:
            own = [h for u, h in zip(column["units"], found) if u[0] == path]
            hits = collections.Counter(LABELS.get(max(h, key=lambda x: x.score).entity_type, "other") for h in own if h)
            label, _ = hits.most_common(1)[0] if hits else ("none", 0)
            enough = sum(hits.values()) * 3 >= len(own) > 0 or (column["sort"] == "text" and hits)
            paths[path] = ("free-text" if column["sort"] == "text" else label, bool(enough))
        masked = []
        for unit, hits in zip(column["units"], found):
            label, sensitive = paths.get(unit[0], ("none", False))
            whole = sensitive and label != "free-text"
            masked.append([(0, len(unit[1]))] if whole else [(h.start, h.end) for h in hits])
        print(json.dumps({"paths": paths, "masked": masked, "seconds": time.perf_counter() - begun}))
