"""What the person agrees to before a device is bound. The version is stored with the binding; change it
whenever the meaning of a text changes."""

from __future__ import annotations

VERSION = "2026-11"

TEXTS = {
    "kk": (
        "Құрылғы осы телефон нөміріне байланады. Осы құрылғыны басқа нөмірге 30 күнде бір реттен жиі емес "
        "байлауға болады. Растау кодтары мен хабарламалар осы құрылғыға келеді. Нөмір, құрылғы түрі және "
        "хабарлама жіберу мекенжайы осы мақсатта ғана сақталады; байланысты кез келген уақытта үзуге болады."
    ),
    "ru": (
        "Устройство будет привязано к этому номеру телефона. Привязать это устройство к другому номеру можно "
        "не чаще одного раза в 30 дней. Коды подтверждения и уведомления будут приходить на это устройство. "
        "Номер, вид устройства и адрес для уведомлений хранятся только для этого; отвязать устройство можно "
        "в любое время."
    ),
    "en": (
        "This device will be bound to this phone number. It can be bound to a different number at most once in "
        "30 days. Confirmation codes and notifications will come to this device. The number, the kind of device "
        "and its address for notifications are kept for this purpose only; you can unbind at any time."
    ),
}
