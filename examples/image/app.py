"""Python, with AWS's own runtime client. The image of this directory runs it: see Dockerfile"""


def handler(event, context):
    print("the function got", event)
    return {"greeting": f"Hello {event.get('name', 'there')}", "requestId": context.aws_request_id}
