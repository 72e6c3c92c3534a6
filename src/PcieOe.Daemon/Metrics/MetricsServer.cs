using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace PcieOe.Daemon.Metrics;

/// <summary>
/// Answers GET /metrics over HTTP/1.1, one request a connection, on the thread pool: no polling thread takes part but for the moment in
/// which it fills in its counters, as for a status. A whole web server would weigh more than the daemon, and the base library's listener
/// insists on the host's name as the client spells it. Requests are small, few at a time, and have a few seconds.
/// </summary>
public sealed class MetricsServer : IAsyncDisposable
{
    private const int MaximumClients = 8;
    private const int MaximumRequestBytes = 8192;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener _listener;
    private readonly Func<Task<JsonObject>> _status;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _places = new(MaximumClients);
    private readonly Task _accepting;

    private MetricsServer(TcpListener listener, Func<Task<JsonObject>> status, ILogger logger)
    {
        _listener = listener;
        _status = status;
        _logger = logger;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <param name="status">Gives what 'pcieoe status' shows.</param>
    /// <exception cref="IOException">The address cannot be had; the message says why.</exception>
    public static MetricsServer Start(IPEndPoint address, Func<Task<JsonObject>> status, ILogger logger)
    {
        TcpListener listener = new(address);
        try
        {
            listener.Start(MaximumClients);
            return new MetricsServer(listener, status, logger);
        }
        catch (SocketException exception)
        {
            listener.Dispose();
            throw new IOException($"Metrics cannot be served at {address}: {exception.Message}. Set metrics to a free address of this machine.", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        _stopping.Dispose();
        _places.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> clients = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _places.WaitAsync(_stopping.Token).ConfigureAwait(false);
                TcpClient client = await _listener.AcceptTcpClientAsync(_stopping.Token).ConfigureAwait(false);
                clients.RemoveAll(task => task.IsCompleted);
                clients.Add(ServeAsync(client));
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                break;
            }
            catch (SocketException)
            {
                // The client was gone before it was accepted.
                _places.Release();
            }
        }

        await Task.WhenAll(clients).ConfigureAwait(false);
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            limit.CancelAfter(Patience);
            using NetworkStream stream = client.GetStream();
            string? request = await ReadRequestAsync(stream, limit.Token).ConfigureAwait(false);
            if (request is not null)
            {
                await stream.WriteAsync(await AnswerAsync(request).ConfigureAwait(false), limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // The client left, was too slow, or the daemon stops.
        }
#pragma warning disable CA1031 // One faulty answer must not end the daemon.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ControlCommandFailed(_logger, "metrics", exception);
        }
        finally
        {
            client.Dispose();
            _places.Release();
        }
    }

    /// <summary>The request's first line, once all of its head has come; null if it is too long or ends early.</summary>
    private static async Task<string?> ReadRequestAsync(NetworkStream stream, CancellationToken cancellation)
    {
        byte[] buffer = new byte[MaximumRequestBytes];
        for (int length = 0; length < buffer.Length;)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            length += read;
            ReadOnlySpan<byte> head = buffer.AsSpan(0, length);
            if (head.IndexOf("\r\n\r\n"u8) >= 0)
            {
                return Encoding.ASCII.GetString(head[..head.IndexOf("\r\n"u8)]);
            }
        }

        return null;
    }

    private async Task<byte[]> AnswerAsync(string request)
    {
        string[] words = request.Split(' ');
        if (words.Length != 3 || !words[2].StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            return Response("400 Bad Request", "This is not HTTP/1.1.\n", isHead: false);
        }

        if (words[0] is not ("GET" or "HEAD"))
        {
            return Response("405 Method Not Allowed", "GET /metrics\n", isHead: false);
        }

        return words[1].Split('?')[0] == "/metrics"
            ? Response("200 OK", PrometheusText.Of(await _status().ConfigureAwait(false)), words[0] == "HEAD")
            : Response("404 Not Found", "GET /metrics\n", words[0] == "HEAD");
    }

    private static byte[] Response(string status, string text, bool isHead)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        return Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {PrometheusText.ContentType}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{(isHead ? "" : text)}");
    }
}
