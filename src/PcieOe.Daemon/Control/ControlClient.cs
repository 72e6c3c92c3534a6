using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace PcieOe.Daemon.Control;

/// <summary>Asks a daemon over its control socket.</summary>
public static class ControlClient
{
    /// <summary>Sends one request and waits for its answer; progress lines go to <paramref name="onProgress"/>.</summary>
    /// <exception cref="IOException">No daemon listens there, or it went away; the message says what to do.</exception>
    public static async Task<JsonObject> AskAsync(string path, JsonObject request, Action<JsonObject>? onProgress, CancellationToken cancellation)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            // For a path that is not there the runtime has "Cannot assign requested address".
            string reason = File.Exists(path) ? exception.Message : "there is no such socket";
            throw new IOException($"No daemon answers at the control socket {path} ({reason}). Is it running, and is this its controlSocket? The socket's owner alone may use it.", exception);
        }

        using NetworkStream stream = new(socket);
        using StreamReader reader = new(stream);
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(request.ToJsonString() + "\n"), cancellation).ConfigureAwait(false);
        while (true)
        {
            string? line;
            try
            {
                line = await reader.ReadLineAsync(cancellation).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                throw new IOException($"The daemon at {path} went away before it answered: see its log.", exception);
            }

            if (line is null)
            {
                throw new IOException($"The daemon at {path} went away before it answered: see its log.");
            }

            JsonObject? answer = ControlProtocol.Parse(System.Text.Encoding.UTF8.GetBytes(line));
            if (answer is null)
            {
                throw new IOException($"What answers at {path} does not speak the control protocol.");
            }

            if (!answer.ContainsKey("progress"))
            {
                return answer;
            }

            onProgress?.Invoke(answer);
        }
    }
}
