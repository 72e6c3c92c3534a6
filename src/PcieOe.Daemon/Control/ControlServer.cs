using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace PcieOe.Daemon.Control;

/// <summary>Answers one control request; progress lines go to the callback. Cancelled when the client hangs up or the daemon stops.</summary>
public delegate Task<JsonObject> ControlHandler(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation);

/// <summary>
/// Listens on a UNIX socket for control requests (<see cref="ControlProtocol"/>). Only the socket's owner may connect (mode 0600).
/// Runs on the thread pool: nothing here touches a polling thread.
/// </summary>
public sealed class ControlServer : IAsyncDisposable
{
    private const int MaximumClients = 32;

    private readonly string _path;
    private readonly ControlHandler _handler;
    private readonly ILogger _logger;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _places = new(MaximumClients);
    private readonly Task _accepting;

    private ControlServer(string path, Socket listener, ControlHandler handler, ILogger logger)
    {
        _path = path;
        _listener = listener;
        _handler = handler;
        _logger = logger;
        _accepting = AcceptAsync();
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path cannot be used; the message says why and what to do.</exception>
    public static ControlServer Start(string path, ControlHandler handler, ILogger logger)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            RemoveStaleSocket(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(MaximumClients);
            return new ControlServer(path, listener, handler, logger);
        }
        catch (Exception exception) when (exception is SocketException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            throw new IOException($"The control socket {path} cannot be made: {exception.Message} Set controlSocket to a path (under 108 bytes) in a directory that this user may write to.", exception);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        File.Delete(_path);
        _stopping.Dispose();
        _places.Dispose();
    }

    // A socket file that nobody listens on is what a killed daemon left behind.
    private static void RemoveStaleSocket(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new IOException($"Another daemon listens on the control socket {path}. Stop it, or set controlSocket to another path.");
    }

    private async Task AcceptAsync()
    {
        List<Task> clients = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _places.WaitAsync(_stopping.Token).ConfigureAwait(false);
                Socket client = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                clients.RemoveAll(task => task.IsCompleted);
                clients.Add(ServeAsync(client));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(clients).ConfigureAwait(false);
    }

    private async Task ServeAsync(Socket socket)
    {
        using CancellationTokenSource hangUp = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        NetworkStream stream = new(socket, ownsSocket: true);
        PipeReader reader = PipeReader.Create(stream);
        try
        {
            Task<JsonObject>? running = null;
            while (true)
            {
                Task<ReadResult> reading = reader.ReadAsync(hangUp.Token).AsTask();
                if (running is not null)
                {
                    // While a command runs, only the client's leaving matters: it cancels the command.
                    if (await Task.WhenAny(running, reading).ConfigureAwait(false) == running)
                    {
                        await WriteAsync(stream, await running.ConfigureAwait(false), hangUp.Token).ConfigureAwait(false);
                        running = null;
                        reader.CancelPendingRead();
                    }
                }

                ReadResult result = await reading.ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = result.Buffer;
                if (running is null && TryTakeLine(ref buffer, out ReadOnlySequence<byte> line))
                {
                    running = AnswerAsync(line.ToArray(), stream, hangUp.Token);
                    reader.AdvanceTo(buffer.Start);
                    continue;
                }

                if (result.IsCompleted || buffer.Length > ControlProtocol.MaximumLineBytes)
                {
                    await hangUp.CancelAsync().ConfigureAwait(false);
                    break;
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // The client left, or the daemon stops: nobody is there to be told.
        }
        finally
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            _places.Release();
        }
    }

    private async Task<JsonObject> AnswerAsync(byte[] line, NetworkStream stream, CancellationToken cancellation)
    {
        JsonObject? request = ControlProtocol.Parse(line);
        if (request?.Text("command") is null)
        {
            return ControlProtocol.Error("A request is one JSON object on one line, with a \"command\".");
        }

        try
        {
            return await _handler(request, progress => WriteAsync(stream, progress, cancellation), cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ControlProtocol.Error("The command was cancelled.");
        }
#pragma warning disable CA1031 // One faulty command must not end the daemon: it is logged and answered.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ControlCommandFailed(_logger, request.Text("command")!, exception);
            return ControlProtocol.Error($"The command failed: {exception.Message}");
        }
    }

    private static async ValueTask WriteAsync(NetworkStream stream, JsonObject message, CancellationToken cancellation)
    {
        byte[] line = System.Text.Encoding.UTF8.GetBytes(message.ToJsonString() + "\n");
        await stream.WriteAsync(line, cancellation).ConfigureAwait(false);
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        SequencePosition? end = buffer.PositionOf((byte)'\n');
        if (end is null)
        {
            line = default;
            return false;
        }

        line = buffer.Slice(0, end.Value);
        buffer = buffer.Slice(buffer.GetPosition(1, end.Value));
        return true;
    }
}
