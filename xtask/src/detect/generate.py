"""Tables for `cargo xtask detect`: what columns hold is known, and none of it comes from the detector's lists.

Names, towns, streets, companies and identity numbers are those of the package `faker`; names of columns, sentences of
chats, shapes of secrets and the hard negatives are this file's. Prints one table a line, as JSON:
{locale, schema, table, columns: [{name, type, category, comment, unique, style, sort, truths, cells, units}]}
`truths` maps a path ("" for the whole column) to its label or "none"; `units` are [path, text, [[start, end, label]]]
in characters, one for each part of a cell that is masked by itself.
"""

import argparse
import json
import random
import string
import uuid

from faker import Faker

LOCALES = """en_US en_GB en_IN de_DE de_AT fr_FR es_ES es_MX it_IT pt_BR pt_PT nl_NL pl_PL cs_CZ sv_SE da_DK no_NO fi_FI
tr_TR ru_RU uk_UA el_GR ja_JP zh_CN zh_TW ko_KR ar_SA he_IL hi_IN id_ID hu_HU ro_RO hr_HR""".split()

NAMES = {  # kind: English, then by language
    "email": ["email", "contact_email", "EmailAddr", "user_mail", "primaryEmail",
              {"de": "email_adresse", "fr": "adresse_mail", "es": "correo", "it": "posta_elettronica", "pt": "email_cliente",
               "nl": "mailadres", "pl": "adres_email", "sv": "epost", "ru": "эл_почта", "tr": "eposta", "ja": "メール",
               "zh": "邮箱地址", "ko": "이메일주소", "no": "e_post", "da": "emailadresse", "cs": "emailova_adresa"}],
    "phone": ["phone", "mobile_no", "telNumber", "contact_phone", "cust_phn", "cell_phone",
              {"de": "telefonnr", "fr": "num_telephone", "es": "telefono_movil", "it": "cellulare", "pt": "celular", "nl": "tel_nr",
               "pl": "nr_telefonu", "sv": "mobilnummer", "ru": "номер_телефона", "tr": "cep_telefonu", "ja": "電話番号",
               "zh": "联系电话", "ko": "휴대폰번호", "fi": "puhelinnumero", "cs": "telefon", "hu": "telefonszam", "el": "τηλεφωνο"}],
    "name": ["full_name", "customerName", "patient_name", "contact_person", "cust_nm", "employee_name", "name",
             {"de": "kundenname", "fr": "nom_complet", "es": "nombre_completo", "it": "nominativo", "pt": "nome_completo",
              "nl": "naam", "pl": "imie_i_nazwisko", "sv": "namn", "ru": "фио", "tr": "ad_soyad", "ja": "氏名", "zh": "姓名",
              "ko": "성명", "fi": "nimi", "cs": "jmeno_prijmeni", "hu": "teljes_nev", "el": "ονοματεπωνυμο", "ar": "الاسم", "he": "שם_מלא"}],
    "first-name": ["first_name", "fname", "givenName", "forename",
                   {"de": "vorname", "fr": "prenom", "es": "nombre_pila", "it": "nome", "pt": "primeiro_nome", "nl": "voornaam",
                    "pl": "imie", "sv": "fornamn", "ru": "имя", "tr": "isim", "fi": "etunimi", "cs": "jmeno", "hu": "keresztnev"}],
    "last-name": ["last_name", "lname", "surname", "familyName",
                  {"de": "nachname", "fr": "nom_famille", "es": "apellidos", "it": "cognome", "pt": "sobrenome", "nl": "achternaam",
                   "pl": "nazwisko", "sv": "efternamn", "ru": "фамилия", "tr": "soyadi", "fi": "sukunimi", "cs": "prijmeni", "hu": "vezeteknev"}],
    "address": ["address", "street_address", "homeAddr", "shipping_address", "addr_line_1",
                {"de": "anschrift", "fr": "adresse", "es": "direccion", "it": "indirizzo", "pt": "endereco", "nl": "adres",
                 "pl": "ulica", "sv": "gatuadress", "ru": "адрес", "tr": "adres", "ja": "住所", "zh": "详细地址", "ko": "주소", "fi": "katuosoite"}],
    "city": ["city", "town", "home_city", {"de": "wohnort", "fr": "ville", "es": "ciudad", "it": "citta", "pt": "cidade",
             "nl": "woonplaats", "pl": "miasto", "sv": "ort", "ru": "город", "tr": "sehir", "zh": "城市", "ja": "市区町村"}],
    "postal-code": ["zip", "postcode", "postal_cd", {"de": "plz", "fr": "code_postal", "es": "codigo_postal", "it": "cap",
                    "pt": "cep", "nl": "postcode", "pl": "kod_pocztowy", "sv": "postnr", "ru": "индекс", "ja": "郵便番号", "zh": "邮编"}],
    "national-id": ["national_id", "ssn", "identity_no", "gov_id", "personal_code",
                    {"de": "sozialversicherungsnr", "fr": "num_secu", "es": "dni", "it": "codice_fiscale", "pt": "cpf", "nl": "bsn",
                     "pl": "pesel", "sv": "personnummer", "no": "fodselsnummer", "da": "cpr_nr", "fi": "hetu", "ru": "инн", "tr": "tc_kimlik_no",
                     "zh": "身份证号", "ko": "주민번호", "cs": "rodne_cislo", "ro": "cnp", "hr": "oib", "uk": "ипн"}],
    "card": ["card_number", "cc_no", "paymentCard", "credit_card", {"de": "kartennummer", "fr": "num_carte", "es": "tarjeta",
             "it": "numero_carta", "pt": "cartao", "ru": "номер_карты", "zh": "卡号", "nl": "kaartnr"}],
    "iban": ["iban", "bank_iban", "acct_iban", {"de": "iban_nr"}],
    "ip": ["client_ip", "last_login_ip", "remote_addr", "ip_address"],
    "username": ["username", "login", "user_handle", "nickname", {"de": "benutzername", "fr": "identifiant", "es": "usuario", "ru": "логин"}],
    "password": ["password", "user_pwd", "passwd", {"de": "passwort", "fr": "mot_de_passe", "es": "contrasena", "ru": "пароль", "pl": "haslo"}],
    "date-of-birth": ["birth_date", "dob", "dateOfBirth", {"de": "geburtsdatum", "fr": "date_naissance", "es": "fecha_nac",
                      "it": "data_nascita", "pt": "dt_nasc", "nl": "geboortedatum", "pl": "data_ur", "sv": "fodelsedatum",
                      "ru": "дата_рождения", "ja": "生年月日", "zh": "出生日期", "tr": "dogum_tarihi", "fi": "syntymaaika"}],
    "age": ["age", "patient_age", {"de": "alter", "fr": "age", "es": "edad", "it": "eta", "pl": "wiek", "ru": "возраст", "ja": "年齢"}],
    "gender": ["gender", "sex", {"de": "geschlecht", "fr": "sexe", "es": "genero", "it": "sesso", "pl": "plec", "ru": "пол", "ja": "性別"}],
    "demographic": ["religion", "marital_status", "nationality", {"de": "familienstand", "es": "estado_civil", "fr": "nationalite"}],
    "salary": ["salary", "annual_income", "gross_pay", {"de": "gehalt", "fr": "salaire", "es": "sueldo", "it": "stipendio",
               "pl": "wynagrodzenie", "ru": "зарплата", "ja": "年収", "zh": "工资", "nl": "salaris", "sv": "lon"}],
    "geo": ["location", "lat_lng", "home_coordinates", "geo"],
    "health": ["diagnosis", "medication", "condition", "blood_type", {"de": "befund", "fr": "diagnostic", "es": "enfermedad", "ru": "диагноз"}],
    "secret": ["api_key", "token", "secret", "access_key", "credential", "auth_token"],
    "bank-account": ["account_number", "bank_acct", {"de": "kontonummer", "fr": "num_compte", "es": "num_cuenta"}],
}
OPAQUE = ["c{}", "col_{}", "fld_{}", "x{}", "attr{}", "f{}", "v{}", "data_{}", "k{}", "field{}"]
KNOWABLE = {"email", "phone", "name", "first-name", "last-name", "address", "national-id", "card", "iban", "ip", "username", "password",
            "date-of-birth", "gender", "geo", "health", "secret"}
ROWS = 60

r = random.Random()


def pick(text, n):
    return "".join(r.choice(text) for _ in range(n))


ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UP = string.ascii_uppercase + string.digits


def jwt():
    import base64
    part = lambda d: base64.urlsafe_b64encode(json.dumps(d).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': pick(string.digits, 10), 'iat': r.randrange(10**9, 2 * 10**9)})}.{pick(ALNUM + '-_', 43)}"


def pem():
    body = "\n".join(pick(ALNUM + "+/", 64) for _ in range(6))
    return f"-----BEGIN {r.choice(['RSA ', 'EC ', '', 'OPENSSH '])}PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"


SECRETS = {
    "aws-id": lambda: r.choice(["AKIA", "ASIA"]) + pick(string.ascii_uppercase + "234567", 16),
    "aws-secret": lambda: pick(ALNUM + "+/", 40),
    "gcp": lambda: "AIza" + pick(ALNUM + "-_", 35),
    "azure-storage": lambda: f"DefaultEndpointsProtocol=https;AccountName={pick(string.ascii_lowercase, 9)};AccountKey={pick(ALNUM + '+/', 86)}==;EndpointSuffix=core.windows.net",
    "github": lambda: r.choice(["ghp_", "gho_", "ghs_"]) + pick(ALNUM, 36),
    "github-fine": lambda: "github_pat_" + pick(ALNUM, 22) + "_" + pick(ALNUM, 59),
    "gitlab": lambda: "glpat-" + pick(ALNUM + "_-", 20),
    "slack": lambda: f"xoxb-{pick(string.digits, 12)}-{pick(string.digits, 12)}-{pick(ALNUM, 24)}",
    "slack-hook": lambda: f"https://hooks.slack.com/services/T{pick(UP, 8)}/B{pick(UP, 8)}/{pick(ALNUM, 24)}",
    "stripe": lambda: r.choice(["sk_live_", "sk_test_", "rk_live_"]) + pick(ALNUM, 24),
    "openai": lambda: "sk-proj-" + pick(ALNUM + "-_", 48),
    "anthropic": lambda: "sk-ant-api03-" + pick(ALNUM + "-_", 93) + "AA",
    "jwt": jwt,
    "pem": pem,
    "npm": lambda: "npm_" + pick(ALNUM, 36),
    "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + pick(ALNUM + "-_", 80),
    "sendgrid": lambda: f"SG.{pick(ALNUM + '-_', 22)}.{pick(ALNUM + '-_', 43)}",
    "twilio": lambda: "SK" + pick(HEX, 32),
    "telegram": lambda: f"{pick('123456789', 1)}{pick(string.digits, 9)}:AA{pick(ALNUM + '-_', 33)}",
    "dsn": lambda: f"{r.choice(['postgres', 'mysql', 'mongodb+srv', 'redis', 'amqp'])}://{pick(string.ascii_lowercase, 6)}:{pick(ALNUM, 14)}@{pick(string.ascii_lowercase, 5)}.internal:{r.randrange(1024, 9999)}/{pick(string.ascii_lowercase, 4)}",
    "basic-url": lambda: f"https://{pick(string.ascii_lowercase, 5)}:{pick(ALNUM, 12)}@api.example.com/v1",
    "bearer": lambda: "Bearer " + pick(ALNUM + "-_", 40),
    "hf": lambda: "hf_" + pick(ALNUM, 34),
    "bcrypt": lambda: "$2b$12$" + pick(ALNUM + "./", 53),
    "digitalocean": lambda: "dop_v1_" + pick(HEX, 64),
    "shopify": lambda: "shpat_" + pick(HEX, 32),
    "mailchimp": lambda: pick(HEX, 32) + f"-us{r.randrange(1, 22)}",
    "vault": lambda: "hvs." + pick(ALNUM + "-_", 90),
}


def luhn_fill(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str((10 - total % 10) % 10)


MODELS = ["gpt-{}o-mini", "llama-{}-70b-instruct", "resnet{}50", "bert-base-v{}", "claude-{}-sonnet", "mistral-7b-v0.{}", "stable-diffusion-xl-{}.0",
          "whisper-large-v{}", "qwen{}-72b", "yolov{}n", "t5-{}b", "gemma-{}b-it", "phi-{}-medium"]
HARD = {  # kind of negative: names it may have, a value
    "order-luhn": (["order_no", "order_number", "invoice_ref", "bestellnr"], lambda f: luhn_fill(str(r.choice([10, 20, 90])) + pick(string.digits, r.choice([10, 13])))),
    "tracking": (["tracking_no", "shipment", "parcel_ref"], lambda f: "1Z" + pick(UP, 16)),
    "uuid": (["id", "request_id", "guid", "trace"], lambda f: str(uuid.UUID(int=r.getrandbits(128), version=4))),
    "sha256": (["sha256", "checksum", "digest"], lambda f: pick(HEX, 64)),
    "md5": (["etag", "md5", "file_hash"], lambda f: pick(HEX, 32)),
    "git": (["commit", "git_sha", "revision"], lambda f: pick(HEX, r.choice([7, 40]))),
    "model": (["model", "model_name", "llm"], lambda f: r.choice(MODELS).format(r.randrange(1, 9))),
    "product": (["product_name", "item", "title"], lambda f: f"{r.choice(['Oslo', 'Paris', 'Berlin', 'Milano', 'Havana', 'Classic', 'Ultra', 'Nordic', 'Urban'])} {r.choice(['Desk Lamp', 'Sofa', 'Running Shoe', 'Mug', 'Office Chair', 'Backpack', 'Rug', 'Headphones'])} {r.choice(['', 'XL', '2', 'Pro', 'Black', 'v2'])}".strip()),
    "hostname": (["host", "server", "node_name"], lambda f: f"{r.choice(['db', 'web', 'api', 'cache', 'kafka'])}-{r.randrange(1, 99):02}.{r.choice(['prod', 'eu-west-1', 'lab'])}.{r.choice(['internal', 'example.com', 'svc.cluster.local'])}"),
    "private-ip": (["node_ip", "pod_ip", "bind_addr"], lambda f: f.ipv4_private()),
    "epoch": (["ts", "created_epoch", "event_time"], lambda f: str(r.randrange(1_500_000_000, 1_760_000_000))),
    "timestamp": (["created_at", "updated", "logged_at"], lambda f: f.date_time_between("-3y").isoformat(sep=" ")),
    "version": (["version", "app_version", "build"], lambda f: f"{r.randrange(9)}.{r.randrange(30)}.{r.randrange(99)}"),
    "price": (["price", "amount", "total_eur"], lambda f: f"{r.randrange(1, 9999)}.{r.randrange(100):02}"),
    "sku": (["sku", "article", "part_no"], lambda f: f"{pick(string.ascii_uppercase, 3)}-{pick(string.digits, 4)}-{pick(UP, 2)}"),
    "status": (["status", "state", "phase"], lambda f: r.choice(["active", "pending", "shipped", "cancelled", "on_hold", "returned"])),
    "company": (["company", "vendor", "firma", "supplier"], lambda f: f.company()),
    "country": (["country", "land"], lambda f: f.country()),
    "job": (["job_title", "position"], lambda f: f.job()),
    "mac": (["mac", "nic"], lambda f: f.mac_address()),
    "color": (["color", "farbe"], lambda f: f.safe_color_name()),
    "currency": (["currency", "ccy"], lambda f: f.currency_code()),
    "url": (["url", "link", "homepage"], lambda f: f"https://www.example.com/{f.uri_path()}"),
    "path": (["path", "file", "object_key"], lambda f: f.file_path(depth=3)),
    "agent": (["user_agent", "browser"], lambda f: f.user_agent()),
    "percent": (["rate", "loss", "accuracy"], lambda f: f"{r.random():.5f}"),
    "counter": (["id", "seq", "row_no"], None),
    "ean": (["ean", "barcode", "gtin"], lambda f: f.ean13()),
    "isbn": (["isbn"], lambda f: f.isbn13()),
    "enum-code": (["type", "category", "kind"], lambda f: r.choice(["A1", "B2", "C3", "D4", "E5"])),
    "due": (["due_date", "valid_until", "delivered"], lambda f: f.date_between("-2y", "+1y").isoformat()),
    "slug": (["slug", "feature_flag", "topic"], lambda f: f"{r.choice(['new', 'beta', 'dark', 'fast', 'max', 'will'])}-{r.choice(['checkout', 'search', 'mark', 'mode', 'grace', 'joy'])}-{r.choice(['v2', 'page', 'rose', 'test'])}"),
    "queue": (["queue", "topic_name", "worker"], lambda f: f"{r.choice(['orders', 'billing', 'mail', 'audit', 'victor'])}.{r.choice(['created', 'retry', 'events', 'dlq'])}"),
    "error": (["error", "last_error", "message"], lambda f: r.choice(["connection refused by upstream after {} ms", "timeout waiting for lock {}", "disk usage at {} percent on volume data", "retry {} of 5 failed with status 503", "null value in column amount violates constraint {}"]).format(r.randrange(1, 999))),
    "plain-text": (["notes", "description", "beschreibung", "remarks"], lambda f: " ".join(f.sentences(nb=2))),
    "review": (["review", "feedback"], lambda f: r.choice(["Great value, arrived quickly and works well with my setup.", "The lid broke after two weeks, otherwise fine.", "Colour differs from the picture but quality is good.", "Battery lasts about 9 hours, charging takes 2.", "Would buy again, five stars.", "Too small for a family of four."])),
    "cron": (["schedule"], lambda f: f"{r.randrange(60)} {r.randrange(24)} * * {r.randrange(7)}"),
    "mime": (["mime_type"], lambda f: f.mime_type()),
    "bool-text": (["flag", "opt_in"], lambda f: r.choice(["yes", "no"])),
    "hash-short": (["cache_key", "blob"], lambda f: "sha256:" + pick(HEX, 64)),
    "shard": (["shard_key", "bucket"], lambda f: f"bucket-{r.randrange(999):03}"),
    "coupon": (["coupon", "promo_code"], lambda f: pick(string.ascii_uppercase, 6) + str(r.randrange(10, 90))),
    "measure": (["temperature", "weight_kg", "reading"], lambda f: f"{r.uniform(-20, 90):.1f}"),
    "language": (["lang", "locale_code"], lambda f: f.locale()),
}

DIAG = ["Type 2 diabetes", "Hypertension", "Asthma", "Major depression", "Migraine", "Epilepsy", "Hepatitis B", "Breast cancer", "Arthritis", "Anemia",
        "Chronic kidney disease", "Hypothyroidism", "Bronchitis", "Osteoporosis", "HIV infection", "Psoriasis", "Pneumonia", "Gastritis"]
CHAT = {
    "en": ["Hi, this is {name}, my number is {phone} and you can mail me at {email}.", "Dear {name}, your appointment is confirmed. Regards, {first}",
           "agent: may I have your card? user: sure, {card}, thanks", "Please ship it to {address}, attn {name}.", "my ssn is {id} if you need it",
           "refund to IBAN {iban} please", "login from {ip} failed for {email}", "the api key is {secret} do not share", "call {first} {last} on {phone} tomorrow",
           "Patient {name} born {dob} was seen today."],
    "de": ["Hallo, hier ist {name}, meine Nummer ist {phone}, Mail {email}.", "Sehr geehrter Herr {last}, Ihre Lieferung kommt morgen. Viele Grüße, {first} {last}",
           "Bitte überweisen Sie auf {iban}.", "Lieferadresse: {address}", "Rückruf an {phone} erbeten, Frau {last}"],
    "fr": ["Bonjour, je m'appelle {name}, mon téléphone est le {phone}.", "Merci d'écrire à {email}. Cordialement, {name}", "Virement sur {iban} svp", "Livrer au {address}"],
    "es": ["Hola, soy {name}, mi teléfono es {phone} y mi correo {email}.", "Estimada señora {last}, su pedido llegará mañana. Saludos, {first}", "Enviar a {address}", "Mi cuenta es {iban}"],
    "it": ["Ciao, sono {name}, il mio numero è {phone}.", "Gentile signor {last}, scriva a {email}. Cordiali saluti, {name}", "Bonifico su {iban}"],
    "pt": ["Olá, meu nome é {name}, telefone {phone}.", "Prezado {name}, responda para {email}.", "Entregar em {address}"],
    "nl": ["Hallo, u spreekt met {name}, bel mij op {phone}.", "Geachte heer {last}, mail naar {email}. Groeten, {first}"],
    "pl": ["Dzień dobry, nazywam się {name}, telefon {phone}.", "Proszę pisać na {email}. Pozdrawiam, {name}"],
    "sv": ["Hej, jag heter {name}, ring {phone}.", "Maila {email}. Mvh {first} {last}"],
    "ru": ["Здравствуйте, меня зовут {name}, телефон {phone}.", "Пишите на {email}. С уважением, {name}"],
    "tr": ["Merhaba, benim adım {name}, telefonum {phone}.", "{email} adresine yazın. Saygılar, {name}"],
    "ja": ["お世話になっております。{name}です。電話は{phone}です。", "{name}様 ご注文ありがとうございます。連絡先 {email}"],
    "zh": ["您好,我叫{name},电话{phone}。", "请发邮件到 {email} ,联系人:{name}"],
    "ko": ["안녕하세요 {name}입니다. 전화번호는 {phone} 입니다.", "{email} 로 메일 주세요. {name} 드림"],
}
NOISE = ["Order {n16} shipped in version {v}.", "Build {sha} failed after 12 minutes, see job {n5}.", "The Oslo lamp is back in stock at 49.90.", "Meeting moved to 2025-03-14 at 10:00, room 4.",
         "gpt-4o-mini answered in 320 ms with 512 tokens.", "Please restart the billing service on db-03.prod.internal.", "Invoice 2024-00871 is paid, thank you.", "Trace {uuid} took 4.2 s.",
         "Retry 3 of 5 for queue orders.created at 10.0.4.17.", "We raised the limit from 100 to 250 requests per minute.", "Works as described, would buy again.", "Temperature was 21.5 degrees in March."]


class Locale:
    def __init__(self, name):
        self.name, self.lang = name, name[:2]
        self.f = Faker(name)
        self.f.seed_instance(r.getrandbits(48))
        self.own_ssn = f".{name}" in type(self.f.ssn.__self__).__module__ if hasattr(self.f.ssn, "__self__") else False

    def value(self, kind):
        f = self.f
        if kind == "name":
            return f.name()
        if kind == "first-name":
            return f.first_name()
        if kind == "last-name":
            return f.last_name()
        if kind == "email":
            mail = f.email() if r.random() < .5 else f.ascii_company_email()
            local, _, domain = mail.partition("@")
            return r.choice([mail, mail, mail, f"{local.title()}@{domain}", f"{local.title()}@{domain.title()}", mail.upper()])
        if kind == "phone":
            return f.phone_number()
        if kind == "address":
            return (f.street_address() if r.random() < .5 else f.address().replace("\n", ", ")) if hasattr(f, "street_address") else f.address().replace("\n", ", ")
        if kind == "city":
            return f.city()
        if kind == "postal-code":
            return f.postcode()
        if kind == "national-id":
            return f.ssn()
        if kind == "card":
            return f.credit_card_number()
        if kind == "iban":
            return f.iban()
        if kind == "ip":
            return f.ipv4_public() if r.random() < .8 else "2a0" + pick(HEX, 1) + ":" + ":".join(pick("123456789abcdef", 4) for _ in range(7))
        if kind == "username":
            return f.user_name()
        if kind == "password":
            return f.password(length=r.randrange(9, 16))
        if kind == "date-of-birth":
            return f.date_of_birth(minimum_age=5, maximum_age=95).isoformat()
        if kind == "age":
            return str(r.randrange(1, 99))
        if kind == "gender":
            return r.choice(self.genders)
        if kind == "demographic":
            return r.choice(["catholic", "muslim", "protestant", "hindu", "none"])
        if kind == "salary":
            return str(r.randrange(18000, 190000))
        if kind == "geo":
            return f"{r.uniform(-60, 70):.6f}, {r.uniform(-170, 170):.6f}"
        if kind == "health":
            return r.choice(DIAG)
        if kind == "secret":
            return SECRETS[self.shape]()
        if kind == "bank-account":
            return f.bban() if r.random() < 2 else ""
        raise KeyError(kind)

    def column_name(self, kind, n):
        table = NAMES[kind]
        local = table[-1] if isinstance(table[-1], dict) else {}
        english = [t for t in table if isinstance(t, str)]
        roll = r.random()
        if kind in KNOWABLE and roll < .25:
            return r.choice(OPAQUE).format(n), "opaque"
        if roll < .6 and self.lang in local:
            return local[self.lang], "foreign"
        return r.choice(english), "english"


def prepare(loc):
    loc.shape = r.choice(list(SECRETS))
    loc.genders = r.choice([["M", "F"], ["male", "female"], {"de": ["männlich", "weiblich", "divers"], "fr": ["homme", "femme"], "es": ["hombre", "mujer"],
                            "ru": ["мужской", "женский"], "ja": ["男", "女"], "zh": ["男", "女"], "pl": ["kobieta", "mężczyzna"]}.get(loc.lang, ["Female", "Male"])])


TYPES = {"date-of-birth": ("date", "D"), "age": ("integer", "N"), "salary": ("numeric", "N"), "ip": ("inet", "I")}


def scalar(loc, kind, n, label=None):
    prepare(loc)
    name, style = loc.column_name(kind, n)
    cells = [None if r.random() < .05 else loc.value(kind) for _ in range(ROWS)]
    ty, cat = TYPES.get(kind, ("text", "S"))
    if kind in ("date-of-birth", "ip") and r.random() < .5:
        ty, cat = "text", "S"
    label = label or kind
    return dict(name=name, type=ty, category=cat, style=style, sort="scalar", truths={"": label}, cells=cells,
                units=[["", c, [[0, len(c), label]]] for c in cells if c is not None], shape=loc.shape if kind == "secret" else None)


def negative(loc, kind, n):
    names, make = HARD[kind]
    name, style = (r.choice(OPAQUE).format(n), "opaque") if r.random() < .4 else (r.choice(names), "english")
    start = r.randrange(10**6)
    cells = [None if r.random() < .05 else (str(start + i) if make is None else str(make(loc.f))) for i in range(ROWS)]
    return dict(name=name, type="text", category="S", style=style, sort="scalar" if kind not in ("plain-text", "review", "error") else "text",
                truths={"": "none"}, cells=cells, units=[["", c, []] for c in cells if c is not None], negative=kind)


def sentence(loc):
    """A sentence and the spans in it."""
    template = r.choice(CHAT.get(loc.lang, CHAT["en"]) if r.random() < .7 else CHAT["en"])
    first, last = loc.f.first_name(), loc.f.last_name()
    out, spans, rest = "", [], template
    kinds = {"name": "name", "first": "name", "last": "name", "email": "email", "phone": "phone", "card": "card", "iban": "iban", "address": "address",
             "id": "national-id", "ip": "ip", "secret": "secret", "dob": "date-of-birth"}
    while "{" in rest:
        before, _, rest = rest.partition("{")
        slot, _, rest = rest.partition("}")
        out += before
        loc.shape = r.choice([s for s in SECRETS if s not in ("pem", "aws-secret", "bearer")])
        value = {"name": lambda: f"{first} {last}" if loc.lang not in ("ja", "zh", "ko") else loc.f.name(), "first": lambda: first, "last": lambda: last,
                 "id": lambda: f"{r.randrange(100, 665)}-{r.randrange(10, 99)}-{r.randrange(1000, 9999)}", "secret": lambda: loc.value("secret"),
                 "dob": lambda: loc.value("date-of-birth"), "address": lambda: loc.value("address")}.get(slot, lambda: loc.value(slot))()
        spans.append([len(out), len(out) + len(value), kinds[slot]])
        out += value
    return out + rest, spans


def noise():
    return r.choice(NOISE).format(n16=luhn_fill("10" + pick(string.digits, 13)), v="2.14.3", sha=pick(HEX, 40), n5=pick(string.digits, 5), uuid=uuid.UUID(int=r.getrandbits(128), version=4))


def message(loc):
    text, spans = "", []
    for _ in range(r.randrange(1, 4)):
        s, found = (sentence(loc) if r.random() < .5 else (noise(), []))
        if text:
            text += r.choice([" ", "\n"])
        spans += [[a + len(text), b + len(text), k] for a, b, k in found]
        text += s
    return text, spans


def chat(loc, n):
    units = [["", *message(loc)] for _ in range(ROWS)]
    name = r.choice(["message", "chat_log", "notes", "body", "transcript", "comment"]) if r.random() < .7 else r.choice(OPAQUE).format(n)
    return dict(name=name, type="text", category="S", style="english", sort="text", truths={"": "free-text"}, cells=[u[1] for u in units], units=units)


def leaf(loc, kind):
    return loc.value(kind)


def document(loc, n):
    prepare(loc)
    fields = r.sample(["email", "phone", "name", "address", "national-id", "card", "iban", "ip", "username", "date-of-birth"], 4)
    if not loc.own_ssn and "national-id" in fields:
        fields.remove("national-id")
    keys = {k: (loc.column_name(k, i)[0] if r.random() < .8 else f"k{i}") for i, k in enumerate(fields)}
    hard = r.sample(["uuid", "version", "status", "price", "timestamp", "model", "sku", "epoch"], 3)
    hkeys = {k: f"{r.choice(HARD[k][0])}" for k in hard}
    deep = r.choice([None, "customer", "payload", "d"])
    truths, cells, units = {}, [], []
    show = lambda key: f".{key}" if (key.replace("_", "a").isalnum() and not key[0].isdigit()) else f'["{key}"]'
    root = f"$.{deep}" if deep else "$"
    for k in fields:
        truths[root + show(keys[k])] = k
    for k in hard:
        truths["$" + show(hkeys[k])] = "none"
    truths["$.contacts[*]"] = "email"
    for _ in range(ROWS):
        inner = {keys[k]: leaf(loc, k) for k in fields}
        top = {hkeys[k]: str(HARD[k][1](loc.f)) for k in hard}
        mails = [loc.value("email") for _ in range(r.randrange(1, 3))]
        units += [[root + show(keys[k]), inner[keys[k]], [[0, len(inner[keys[k]]), k]]] for k in fields]
        units += [["$" + show(k), v, []] for k, v in top.items()]
        units += [["$.contacts[*]", m, [[0, len(m), "email"]]] for m in mails]
        doc = dict(top, contacts=mails, **({deep: inner} if deep else inner))
        cells.append(json.dumps(doc, ensure_ascii=False))
    if len(set(list(keys.values()) + list(hkeys.values()) + ["contacts"] + ([deep] if deep else []))) < len(keys) + len(hkeys) + 1 + bool(deep):
        return document(loc, n)
    return dict(name=r.choice(["payload", "data", "attributes", "meta", "doc"]), type="jsonb", category="U", style="english", sort="json", truths=truths, cells=cells, units=units)


def array(loc, n):
    prepare(loc)
    kind = r.choice(["email", "phone", "name", "ip", None, None])
    hard = r.choice(["sku", "status", "version", "color", "uuid"])
    cells, units = [], []
    for _ in range(ROWS):
        all_ = [loc.value(kind) if kind else str(HARD[hard][1](loc.f)) for _ in range(r.randrange(1, 4))]
        cells.append("{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in all_) + "}")
        units += [["[]", v, [[0, len(v), kind]] if kind else []] for v in all_]
    name = r.choice(OPAQUE).format(n) if r.random() < .4 else (NAMES[kind][0] + "s" if kind else r.choice(["tags", "labels", "items"]))
    return dict(name=name, type="text[]", category="A", style="english", sort="array", truths={"[]": kind or "none"}, cells=cells, units=units)


def table(locale, index):
    loc = Locale(locale)
    prepare(loc)
    kinds = [k for k in NAMES if k != "national-id" or loc.own_ssn]
    columns = [scalar(loc, k, n) for n, k in enumerate(r.sample(kinds, 7))]
    columns += [scalar(loc, "secret", 8)] if r.random() < .5 else []
    columns += [negative(loc, k, n + 10) for n, k in enumerate(r.sample(list(HARD), 8))]
    columns += [chat(loc, 20), document(loc, 21), array(loc, 22)]
    r.shuffle(columns)
    seen = set()
    for c in columns:
        while c["name"] in seen:
            c["name"] += "_2"
        seen.add(c["name"])
        c["comment"] = None
    return dict(locale=locale, schema="public", table=r.choice(["customers", "t_017", "records", "employees", "patients", "accounts", "events", "kunden"]), columns=columns)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--tables", type=int, default=66)
    ap.add_argument("--locales")
    a = ap.parse_args()
    r.seed(a.seed)
    locales = a.locales.split(",") if a.locales else LOCALES
    offset = r.randrange(len(locales))
    for i in range(a.tables):
        print(json.dumps(table(locales[(offset + i) % len(locales)], i), ensure_ascii=False))


main()
