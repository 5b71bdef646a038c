"""Python, with AWS's own runtime client. Run it from this directory: see ../README.md"""


def handler(event, context):
    print("the function got", event)
    return {"greeting": f"Hello {event.get('name', 'there')}", "requestId": context.aws_request_id}
