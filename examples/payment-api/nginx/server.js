// Stands in for nginx where no container engine is: one page, on the port that the image is known for.
const { createServer } = require('node:http');
const { version } = require('./package.json');

const server = createServer((request, response) => {
  response.setHeader('Server', `nginx/${version}`);
  response.setHeader('Content-Type', 'text/html');
  response.end('<html><body><h1>Welcome to nginx!</h1></body></html>\n');
});
server.listen(80);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
