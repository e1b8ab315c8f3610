"""Posts JSON over TLS with a client's certificate: host and port, path, body, and the folder that
`certificate.py` wrote to. Prints status and decision."""

import http.client
import ssl
import sys

address, path, body, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=f"{folder}/cert.pem")
context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client-key.pem")
connection = http.client.HTTPSConnection(address, context=context, timeout=60)
headers = {"content-type": "application/json", "authorization": "Bearer anything"}
connection.request("POST", path, body, headers)
answer = connection.getresponse()
answer.read()
print(answer.status, answer.getheader("x-decision-id"))
