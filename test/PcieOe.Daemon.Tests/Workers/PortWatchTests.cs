using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using Xunit;

namespace PcieOe.Daemon.Tests.Workers;

public sealed class PortWatchTests
{
    [Fact]
    public void Look_StateChanges_IsLoggedOnceEach()
    {
        FakePort port = new();
        ListLogger logger = new();
        using PortWatch watch = new(port, logger, interval: null);

        foreach (PortState state in new[] { PortState.Up, PortState.Down, PortState.Down, PortState.MtuTooSmall, PortState.Up, PortState.Up })
        {
            port.State = state;
            watch.Look();
        }

        Assert.Equal(
            [
                "Warning: The interface eth7 is down or gone; sessions wait until it is back.",
                "Warning: The interface eth7 has an MTU below 9000 now; sessions wait until it has that again.",
                "Information: The interface eth7 is up again.",
            ],
            logger.Lines);
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)}");
    }

    private sealed class FakePort : IPort
    {
        private PortCounters _counters;

        public string Name => "eth7";

        public MacAddress Address => default;

        public int MaximumTransmissionUnit => 9000;

        public PortState State { get; set; }

        public int PollDescriptor => -1;

        public ref readonly PortCounters Counters => ref _counters;

        public int Receive(Span<ReceivedFrame> batch) => 0;

        public void Release()
        {
            // It receives nothing.
        }

        public int Send(ReadOnlySpan<OutgoingFrame> batch) => 0;

        public void Dispose() => _counters = default;
    }
}
