using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Policies;
using PcieOe.Target.Tests.Functions;
using PcieOe.Transport.Policies.NestedQos;
using Xunit;

namespace PcieOe.Target.Tests.Policies;

/// <summary>
/// Whatever a policy decides, whatever room the lane has and however often a transaction is interrupted: on the wire a command's data
/// comes before its completion entry, and that before its interrupt, and nothing is lost or comes twice.
/// </summary>
public sealed class OrderTests
{
    private const ulong DataBase = 0x1_0000_0000;
    private const ulong EntryBase = 0x2_0000_0000;
    private const ulong InterruptBase = 0x3_0000_0000;
    private const int DataStride = 0x1_0000;
    private const int Seeds = 200;
    private const int Commands = 150;

    private static readonly NestedQosTenantOptions Nested = new()
    {
        Name = "nested",
        Classes =
        [
            new() { Name = "gold", BurstUnits = 4, UnitsPerSecond = 2000, ResponseMilliseconds = 1 },
            new() { Name = "silver", BurstUnits = 16, UnitsPerSecond = 4000, ResponseMilliseconds = 5 },
            new() { Name = "bronze", BurstUnits = 64, UnitsPerSecond = 6000, ResponseMilliseconds = 20 },
        ],
    };

    [Fact]
    public void AnyMixOfClassesAndRoom_OnTheWire_DataThenEntryThenInterrupt()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using Play play = new(seed);
            play.Run();
        }
    }

    /// <summary>One seed: commands are submitted, served and sent at random times, in random sizes.</summary>
    private sealed class Play : IDisposable
    {
        private readonly int _seed;
        private readonly Random _random;
        private readonly NestedQosPolicy _policy;
        private readonly BridgeHarness _harness;
        private readonly int[] _sizes;
        private readonly int[] _written = new int[Commands];
        private readonly Stage[] _stages = new Stage[Commands];
        private readonly int[] _arrived = new int[Commands];
        private readonly bool[] _entryCame = new bool[Commands];
        private readonly List<(ulong Token, long Deadline)> _atEndpoint = [];
        private readonly List<ulong> _blocked = [];
        private long _now = 1_000_000_000;
        private int _finished;

        internal Play(int seed)
        {
            _seed = seed;
            _random = new Random(seed);
            NestedQosOptions options = new()
            {
                Tenants = [Nested, new() { Name = "others" }],
                CapacityUnitsPerSecond = _random.Next(2) == 0 ? 20_000 : null,
                MaximumOutstanding = _random.Next(1, 40),
                Order = _random.Next(4) == 0 ? NestedQosOrder.Arrival : NestedQosOrder.Deadline,
            };
            _policy = new NestedQosPolicy(options, new Dictionary<string, string>(), 1, _now);
            NestedQosAdmission admission = _policy.CreateAdmission();
            admission.UseTenant(_random.Next(2));
            _harness = new BridgeHarness(frameBytes: _random.Next(2) == 0 ? 8948 : 1448, admission: admission);
            _harness.Function.OnAdmit = (token, deadline) => _atEndpoint.Add((token.Value, deadline));
            _harness.Function.OnMaterialize = Materialize;
            _sizes = [.. Enumerable.Range(0, Commands).Select(_ => _random.Next(4) == 0 ? 0 : _random.Next(1, 20_000))];
        }

        internal void Run()
        {
            int submitted = 0;
            for (int round = 0; _finished < Commands; round++)
            {
                Assert.True(round < 100_000, $"seed {_seed}: {_finished} of {Commands} commands ended");
                _now += _random.Next(200_000);
                for (int burst = _random.Next(6); burst > 0 && submitted < Commands; burst--)
                {
                    Submit((ulong)submitted++);
                }

                _policy.Start(_now);
                ServeSome();
                _harness.Lane.Window = _random.Next(4);
                _harness.Bridge.Pump(_now);
                Check();
            }
        }

        public void Dispose() => _policy.Dispose();

        private void Submit(ulong token)
        {
            AdmissionRequest request = new() { Token = new TransactionToken(token), ArrivalNanoseconds = _now, Bytes = _sizes[token] };
            Admission admission = _harness.Function.Host.Submit(request, _now);
            if (admission.Starts)
            {
                _atEndpoint.Add((token, admission.DeadlineNanoseconds));
            }
        }

        private void ServeSome()
        {
            for (int count = _random.Next(6); count > 0 && _atEndpoint.Count > 0; count--)
            {
                int index = _random.Next(_atEndpoint.Count);
                (ulong token, long deadline) = _atEndpoint[index];
                _atEndpoint.RemoveAt(index);
                _harness.Function.Ready(token, deadline, _sizes[token] + 20);
            }

            foreach (ulong token in _blocked)
            {
                _harness.Function.Ready(token);
            }

            _blocked.Clear();
        }

        private MaterializeResult Materialize(TransactionToken name, IDmaWriter writer)
        {
            int token = (int)name.Value;
            if (_stages[token] == Stage.Data && _written[token] == 0 && _random.Next(10) == 0)
            {
                _blocked.Add(name.Value);
                return MaterializeResult.Blocked;
            }

            while (_stages[token] == Stage.Data && _written[token] < _sizes[token])
            {
                Span<byte> data = writer.Reserve(DataBase + (ulong)(token * DataStride + _written[token]), _sizes[token] - _written[token]);
                if (data.IsEmpty)
                {
                    return MaterializeResult.Partial;
                }

                data.Clear();
                _written[token] += data.Length;
            }

            _stages[token] = _stages[token] == Stage.Data ? Stage.Entry : _stages[token];
            if (_stages[token] == Stage.Entry && !TryWriteWhole(writer, EntryBase + (ulong)token * 16, 16))
            {
                return MaterializeResult.Partial;
            }

            _stages[token] = Stage.Interrupt;
            return TryWriteWhole(writer, InterruptBase + (ulong)token * 4, 4) ? MaterializeResult.Completed : MaterializeResult.Partial;
        }

        private static bool TryWriteWhole(IDmaWriter writer, ulong address, int length)
        {
            Span<byte> place = writer.ReserveWhole(address, length);
            place.Clear();
            return !place.IsEmpty;
        }

        /// <summary>Reads the wire as a host does.</summary>
        private void Check()
        {
            foreach (byte[] bytes in _harness.Lane.TakeTlps())
            {
                Assert.True(TlpView.TryParse(bytes, out TlpView tlp));
                Assert.True(tlp.Type.IsMemoryWrite);
                ulong address = tlp.Address + (ulong)tlp.ByteEnables.FirstByteOffset;
                if (address < EntryBase)
                {
                    int token = (int)((address - DataBase) / DataStride);
                    Assert.Equal(_arrived[token], (int)((address - DataBase) % DataStride));
                    _arrived[token] += tlp.ByteEnables.ByteCount(tlp.LengthDoublewords);
                }
                else if (address < InterruptBase)
                {
                    int token = (int)((address - EntryBase) / 16);
                    Assert.True(_arrived[token] == _sizes[token], $"seed {_seed}: the entry of command {token} overtook its data");
                    Assert.False(_entryCame[token]);
                    _entryCame[token] = true;
                }
                else
                {
                    int token = (int)((address - InterruptBase) / 4);
                    Assert.True(_entryCame[token], $"seed {_seed}: the interrupt of command {token} overtook its entry");
                    _finished++;
                }
            }
        }
    }

    private enum Stage : byte
    {
        Data,
        Entry,
        Interrupt,
    }
}
