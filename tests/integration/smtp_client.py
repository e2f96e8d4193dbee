"""An SMTP session with the test's Postfix that says which client it pretends to be."""

import smtplib


class SmtpClient(smtplib.SMTP):
    """smtplib with XCLIENT: address set by us, everything after that is real."""

    def __init__(self, port, ip=None, helo="mail.example.com", timeout=60):
        super().__init__("127.0.0.1", port, local_hostname=helo, timeout=timeout)
        self.ehlo()
        if ip is not None:
            address = f"IPV6:{ip}" if ":" in ip else ip
            code, text = self.docmd("XCLIENT", f"NAME=[UNAVAILABLE] ADDR={address}")
            if code == 220:
                code, text = self.ehlo(helo)
            if code != 250:
                raise smtplib.SMTPResponseException(code, text)

    def offer(self, message, sender, recipients, options=()):
        """One message; returns the reply that ended it, as (code, text)."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        code, text = self.mail(sender, list(options))
        if code == 250:
            for recipient in recipients:
                code, text = self.rcpt(recipient)
                if code != 250:
                    break
            else:
                code, text = self._data(message)
        if code >= 400:
            self._abandon()
        return code, text.decode("utf-8", "replace")

    def _data(self, message):
        try:
            return self.data(message)
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error

    def _abandon(self):
        try:
            self.rset()
        except smtplib.SMTPServerDisconnected:
            pass
