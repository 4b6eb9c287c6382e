/** The baseline: a bare function that answers with what it was sent. */
import { http } from '@google-cloud/functions-framework';

http('echo', (request, response) => {
  response.json(request.body);
});
