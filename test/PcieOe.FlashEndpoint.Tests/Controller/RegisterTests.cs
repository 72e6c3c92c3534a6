using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Controller;

public sealed class RegisterTests : IDisposable
{
    private const ulong Bar0 = ControllerHarness.Bar0;
    private readonly ControllerHarness _harness = new(ControllerHarness.MakeOptions(1 << 20));

    public RegisterTests() => _harness.Enumerate();

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Capabilities_ReadInAnyWidth_AreTheSame()
    {
        ulong whole = _harness.Read64(Bar0);
        Assert.Equal(whole, _harness.Read32(Bar0) | (ulong)_harness.Read32(Bar0 + 4) << 32);
        byte[] bytes = new byte[8];
        for (int i = 0; i < 8; i++)
        {
            Assert.True(_harness.Function.TryReadMemory(Bar0 + (ulong)i, bytes.AsSpan(i, 1), 0));
        }

        Assert.Equal(whole, BitConverter.ToUInt64(bytes));
        var capabilities = new ControllerCapabilities(whole);
        Assert.Equal(256, capabilities.MaximumQueueEntries);
        Assert.Equal(255, capabilities.TimeoutHalfSeconds);
        Assert.True(capabilities.MemoryBufferSupported);
        Assert.Equal(0x0001_0400u, _harness.Read32(Bar0 + NvmeRegister.Version));
    }

    [Fact]
    public void Enable_WithAdminQueues_MakesTheControllerReady()
    {
        Assert.False(_harness.Status.IsReady);
        _harness.Enable();
        Assert.True(_harness.Status.IsReady);
        _harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        Assert.Equal(0u, _harness.Status.Value);
        Assert.NotEqual(0u, _harness.Read32(Bar0 + NvmeRegister.AdminQueueAttributes));
        Assert.NotEqual(0ul, _harness.Read64(Bar0 + NvmeRegister.AdminSubmissionQueue));
    }

    [Theory]
    [InlineData(0u, 0x0046_0001u)]
    [InlineData(0x001F_001Fu, 0x0046_0081u)]
    [InlineData(0x001F_001Fu, 0x0046_0011u)]
    [InlineData(0x001F_001Fu, 0x0046_0801u)]
    public void Enable_WithSettingsNotSupported_IsFatalUntilDisabled(uint attributes, uint configuration)
    {
        _harness.Write32(Bar0 + NvmeRegister.AdminQueueAttributes, attributes);
        _harness.Write64(Bar0 + NvmeRegister.AdminSubmissionQueue, FakeHost.MemoryBase);
        _harness.Write64(Bar0 + NvmeRegister.AdminCompletionQueue, FakeHost.MemoryBase + 4096);
        _harness.Write32(Bar0 + NvmeRegister.Configuration, configuration);
        Assert.True(_harness.Status.IsFatal);
        Assert.False(_harness.Status.IsReady);
        _harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        Assert.False(_harness.Status.IsFatal);
        _harness.Enable();
    }

    [Fact]
    public void Registers_WrittenByBytes_TakeThem()
    {
        _harness.Function.TryWriteMemory(Bar0 + NvmeRegister.AdminSubmissionQueue + 1, [0x50], 0);
        _harness.Function.TryWriteMemory(Bar0 + NvmeRegister.AdminSubmissionQueue + 5, [0x12, 0x34], 0);
        Assert.Equal(0x0034_1200_0000_5000ul, _harness.Read64(Bar0 + NvmeRegister.AdminSubmissionQueue));
        _harness.Write64(Bar0 + NvmeRegister.AdminSubmissionQueue, ulong.MaxValue);
        Assert.Equal(ulong.MaxValue & ~0xFFFul, _harness.Read64(Bar0 + NvmeRegister.AdminSubmissionQueue));
        _harness.Write32(Bar0 + NvmeRegister.AdminQueueAttributes, uint.MaxValue);
        Assert.Equal(0x0FFF_0FFFu, _harness.Read32(Bar0 + NvmeRegister.AdminQueueAttributes));
    }

    [Fact]
    public void ReservedAndReadOnlyRegisters_Written_StayAsTheyAre()
    {
        ulong capabilities = _harness.Read64(Bar0);
        for (ulong offset = 0; offset < 0x1000; offset += 8)
        {
            if (offset is not (0x08 or 0x10 or 0x18 or 0x20 or 0x28 or 0x30 or 0x50))
            {
                _harness.Write64(Bar0 + offset, ulong.MaxValue);
            }
        }

        Assert.Equal(capabilities, _harness.Read64(Bar0));
        for (ulong offset = 0x60; offset < 0x2000; offset += 8)
        {
            Assert.Equal(0ul, _harness.Read64(Bar0 + offset));
        }
    }

    [Fact]
    public void InterruptMasks_SetAndCleared_ReadBack()
    {
        _harness.Write32(Bar0 + NvmeRegister.InterruptMaskSet, 0xF0);
        _harness.Write32(Bar0 + NvmeRegister.InterruptMaskClear, 0x30);
        Assert.Equal(0xC0u, _harness.Read32(Bar0 + NvmeRegister.InterruptMaskSet));
        Assert.Equal(0xC0u, _harness.Read32(Bar0 + NvmeRegister.InterruptMaskClear));
    }

    [Fact]
    public void MemoryBufferRegisters_UntilEnabled_HideTheBuffer()
    {
        Assert.Equal(0u, _harness.Read32(Bar0 + NvmeRegister.MemoryBufferLocation));
        Assert.Equal(0u, _harness.Read32(Bar0 + NvmeRegister.MemoryBufferSize));
        _harness.Write64(Bar0 + NvmeRegister.MemoryBufferControl, 1);
        Assert.Equal(2, new MemoryBufferLocation(_harness.Read32(Bar0 + NvmeRegister.MemoryBufferLocation)).Bar);
        var size = new MemoryBufferSize(_harness.Read32(Bar0 + NvmeRegister.MemoryBufferSize));
        Assert.Equal(1 << 20, size.Bytes);
        Assert.True(size.SubmissionQueues && size.Lists && size.ReadData && size.WriteData);
        Assert.Equal(0u, size.Value & MemoryBufferSize.CompletionQueuesBit);
    }

    [Fact]
    public void MemoryBufferControl_OverAControllerReset_Stays()
    {
        _harness.Enable();
        _harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        Assert.Equal(ControllerHarness.MemoryBufferBase | 3, _harness.Read64(Bar0 + NvmeRegister.MemoryBufferControl));
    }

    [Fact]
    public void MemoryBufferBase_ThatWouldWrapAround_IsReported()
    {
        _harness.Write64(Bar0 + NvmeRegister.MemoryBufferControl, 0xFFFF_FFFF_FFFF_F003);
        Assert.Equal(1u, _harness.Read32(Bar0 + NvmeRegister.MemoryBufferStatus));
        _harness.Write64(Bar0 + NvmeRegister.MemoryBufferControl, 0xFFFF_FFFF_FFF0_0003);
        Assert.Equal(0u, _harness.Read32(Bar0 + NvmeRegister.MemoryBufferStatus));
    }

    [Fact]
    public void Controller_WithoutMemoryBuffer_SaysSoAndIgnoresItsControl()
    {
        using var harness = new ControllerHarness();
        harness.Enumerate();
        Assert.False(new ControllerCapabilities(harness.Read64(Bar0)).MemoryBufferSupported);
        harness.Write64(Bar0 + NvmeRegister.MemoryBufferControl, ulong.MaxValue);
        Assert.Equal(0ul, harness.Read64(Bar0 + NvmeRegister.MemoryBufferControl));
        Assert.Equal(0u, harness.Read32(Bar0 + NvmeRegister.MemoryBufferSize));
    }

    [Theory]
    [InlineData(ShutdownNotification.Normal)]
    [InlineData(ShutdownNotification.Abrupt)]
    public void Shutdown_Notified_IsCompletedAndClearedAgain(ShutdownNotification notification)
    {
        _harness.Enable();
        uint configuration = ControllerConfiguration.Default.Value;
        _harness.Write32(Bar0 + NvmeRegister.Configuration, configuration | (uint)notification << 14);
        Assert.True(_harness.Status.IsShutdownComplete);
        Assert.True(_harness.Status.IsReady);
        _harness.Write32(Bar0 + NvmeRegister.Configuration, configuration);
        Assert.False(_harness.Status.IsShutdownComplete);
    }

    [Fact]
    public void Shutdown_OfASlowMedium_LastsUntilItsFlushEnds()
    {
        var media = new SlowMedia(1 << 20) { AnswersByItself = false };
        using var harness = new ControllerHarness(media: media);
        harness.Enumerate();
        harness.Enable();
        harness.Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value | 1 << 14);
        Assert.Equal(ControllerStatus.ShutdownOccurring, harness.Status.Value & ControllerStatus.ShutdownMask);
        media.Answer();
        harness.Settle();
        Assert.True(harness.Status.IsShutdownComplete);
    }

    [Fact]
    public void SubsystemReset_ByItsSignatureAlone_ResetsTheController()
    {
        _harness.Enable();
        _harness.Write32(Bar0 + NvmeRegister.SubsystemReset, 0x1234_5678);
        Assert.True(_harness.Status.IsReady);
        _harness.Write32(Bar0 + NvmeRegister.SubsystemReset, NvmeRegister.SubsystemResetSignature);
        Assert.Equal(ControllerStatus.SubsystemResetOccurredBit, _harness.Status.Value);
        _harness.Write32(Bar0 + NvmeRegister.Status, ControllerStatus.SubsystemResetOccurredBit);
        Assert.Equal(0u, _harness.Status.Value);
    }
}
