"""Published ports: connections to an address of the host are carried to the service, and counted."""

import asyncio
import threading


class Published:
    """Carries bytes both ways between published ports and services, in a thread of its own."""

    def __init__(self):
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def publish(self, address: str, port: int, target: str, target_port: int) -> None:
        """Listens from now on; the service need not be there yet."""

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
        pass  # one side is gone; the other learns it by the close
    finally:
        writer.close()
