using PcieOe.Protocol.Functions;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

public sealed class AdmissionTests
{
    [Fact]
    public void Submit_WithoutPolicy_StartsAtOnce()
    {
        BridgeHarness harness = new();
        Admission admission = Submit(harness, 1);
        Assert.True(admission.Starts);
        Assert.Equal(long.MaxValue, admission.DeadlineNanoseconds);
    }

    [Fact]
    public void Submit_WhileTooMuchWaits_DeferredUntilItHasGone()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumWaitingBytes = 10_000 });
        harness.Lane.Window = 0;
        harness.Function.Ready(1, bytes: 9_999);
        Assert.True(Submit(harness, 2).Starts);
        harness.Function.Ready(2, bytes: 1);
        Assert.False(Submit(harness, 3).Starts);
        Assert.False(Submit(harness, 4).Starts);
        Assert.Equal(2, harness.Counters.DeferredCommands);
        harness.Bridge.Pump(harness.Now);
        Assert.Empty(harness.Function.Log);
        harness.Lane.Window = 10;
        harness.Bridge.Pump(harness.Now);
        Assert.Equal(["admitted 3", "admitted 4"], harness.Function.Log);
        Assert.True(Submit(harness, 5).Starts);
    }

    [Fact]
    public void Admitted_CommandThatIsReadyAtOnce_GoesInTheSameRound()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumWaitingBytes = 100 });
        List<ulong> sent = [];
        harness.Function.OnStart = token => harness.Function.Ready(token.Value, bytes: 100);
        harness.Function.OnMaterialize = (token, _) =>
        {
            sent.Add(token.Value);
            return MaterializeResult.Completed;
        };
        harness.Function.Ready(0, bytes: 100);
        for (ulong token = 1; token < 6; token++)
        {
            Assert.False(Submit(harness, token).Starts);
        }

        harness.Bridge.Pump(harness.Now);
        Assert.Equal([0, 1, 2, 3, 4, 5], sent.Select(token => (int)token));
    }

    [Fact]
    public void Policy_ThatDefers_StartsCommandsLater()
    {
        HoldingAdmission policy = new();
        BridgeHarness harness = new(admission: policy);
        Assert.False(Submit(harness, 1).Starts);
        Assert.False(Submit(harness, 2).Starts);
        harness.Bridge.Pump(harness.Now);
        Assert.Empty(harness.Function.Log);
        policy.Release(harness.Now);
        Assert.Equal(["admitted 1", "admitted 2"], harness.Function.Log);
    }

    [Fact]
    public void Reset_WithCommandsDeferred_WithdrawsThem()
    {
        HoldingAdmission policy = new();
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumWaitingBytes = 100 }, admission: policy);
        Submit(harness, 1);
        harness.Function.Ready(9, bytes: 100);
        Submit(harness, 2);
        harness.Bridge.Open(harness.Lane, FunctionResetKind.Conventional, harness.Now);
        harness.Function.Log.Clear();
        policy.Release(harness.Now);
        harness.Bridge.Pump(harness.Now);
        policy.Release(harness.Now);
        Assert.Empty(harness.Function.Log);
    }

    private static Admission Submit(BridgeHarness harness, ulong token) => harness.Function.Host.Submit(
        new AdmissionRequest { Token = new TransactionToken(token), ArrivalNanoseconds = harness.Now, Bytes = 4096 }, harness.Now);

    private sealed class HoldingAdmission : IAdmission
    {
        private readonly Queue<TransactionToken> _held = [];
        private IAdmissionSink? _sink;

        public void Attach(IAdmissionSink sink) => _sink = sink;

        public Admission Submit(in AdmissionRequest request, long now)
        {
            _held.Enqueue(request.Token);
            return Admission.Deferred;
        }

        public void Withdraw() => _held.Clear();

        public void Release(long now)
        {
            while (_held.TryDequeue(out TransactionToken token))
            {
                Assert.True(_sink!.OnAdmitted(token, 5, now));
            }
        }
    }
}
