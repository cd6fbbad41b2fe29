"""Publishes ports of services: forwards connections from an address of the host to the services, and counts them."""

import asyncio
import threading


class Published:
    """Forwards bytes in both directions between published ports and services, in its own thread."""

    def __init__(self):
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def publish(self, address: str, port: int, target: str, target_port: int) -> None:
        """Starts to listen. The service may start later."""

        async def carry(reader, writer):
            self.connections += 1
            try:
                there = await asyncio.open_connection(target, target_port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

        listening = asyncio.start_server(carry, address, port)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(timeout=10)


async def _pump(reader, writer) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has closed its connection, and the other side's connection is closed below
    finally:
        writer.close()
